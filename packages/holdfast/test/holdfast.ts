import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** The Python tools that script/setup installs. */
export const tools = fileURLToPath(new URL('../../../.tools/venv/bin/', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The environment of a person who works in `directory` and has no settings elsewhere. */
export function environment(directory: string): NodeJS.ProcessEnv {
  return {
    PATH: `${tools}:/usr/bin:/bin`,
    HOME: directory,
    HOLDFAST_HOME: join(directory, 'home'),
    HOLDFAST_PASSPHRASE: 'of the online key',
    HOLDFAST_OFFLINE_PASSPHRASE: 'glacial icky reprogram outrage',
    UV_PYTHON: join(tools, 'python'),
    UV_PYTHON_DOWNLOADS: 'never',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHON_KEYRING_BACKEND: 'keyring.backends.null.Keyring',
    LC_ALL: 'C.UTF-8',
  };
}

/** Starts `holdfast` with nobody at its terminal. */
export function start(directory: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, ['--conditions=holdfast-source', main, ...args], {
    cwd: directory,
    env: { ...environment(directory), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

export function holdfast(directory: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return ended(start(directory, args, env));
}

/** A command that goes on, once its standard output matches; with what matched. */
export async function started(
  directory: string,
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<{ child: ChildProcess; found: string; end: Promise<Ended> }> {
  const child = start(directory, args, env);
  const end = ended(child);
  const found = new Promise<string>((resolve) => {
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const [, group] = ready.exec(out) ?? [];
      if (group !== undefined) resolve(group);
    });
  });
  const first = await Promise.race([found, end]);
  if (typeof first !== 'string') throw new Error(`ended before it was ready: ${first.err}`);
  return { child, found: first, end };
}
