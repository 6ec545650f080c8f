import type { Command } from '../command.ts';

/** Every command, in the order of the help. Each is loaded when it is used: `holdfast pip` must not wait for the server's code. */
export const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['trust add', async () => (await import('./trust.ts')).trustAdd],
  ['trust list', async () => (await import('./trust.ts')).trustList],
  ['trust remove', async () => (await import('./trust.ts')).trustRemove],
  ['pip', async () => (await import('./run.ts')).pip],
  ['uv', async () => (await import('./run.ts')).uv],
  ['run', async () => (await import('./run.ts')).runCommand],
  ['proxy', async () => (await import('./proxy.ts')).proxy],
  ['verify', async () => (await import('./verify.ts')).verify],
  ['download', async () => (await import('./download.ts')).downloadCommand],
  ['doctor', async () => (await import('./doctor.ts')).doctor],
  ['feed', async () => (await import('./feed.ts')).feed],
  ['init', async () => (await import('./init.ts')).init],
  ['serve', async () => (await import('./serve.ts')).serve],
  ['import', async () => (await import('./import.ts')).importCommand],
  ['migrate', async () => (await import('./migrate.ts')).migrate],
  ['backup', async () => (await import('./backup.ts')).backup],
  ['restore', async () => (await import('./backup.ts')).restore],
  ['check', async () => (await import('./check.ts')).check],
  ['account create', async () => (await import('./account.ts')).accountCreate],
  ['token create', async () => (await import('./account.ts')).tokenCreate],
  ['token list', async () => (await import('./account.ts')).tokenList],
  ['token revoke', async () => (await import('./account.ts')).tokenRevoke],
]);
