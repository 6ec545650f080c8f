import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageDirectory = fileURLToPath(new URL('..', import.meta.url));
export const workspaceDirectory = fileURLToPath(new URL('../../..', import.meta.url));

/** A new directory that is gone when the scope ends. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-tuf-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const tsc = join(workspaceDirectory, 'node_modules/.bin/tsc');

/** Compiles as for publication, into a directory of the test's own. Types are checked elsewhere, once. */
export function buildInto(directory: string): void {
  const output = ['--noCheck', '--outDir', directory, '--tsBuildInfoFile', join(directory, '.tsbuildinfo')];
  run(tsc, ['-p', 'tsconfig.build.json', ...output], packageDirectory);
}

/** Compiles one module of a test for a browser. */
export function buildModule(path: string, directory: string): void {
  const settings = ['--ignoreConfig', '--noCheck', '--target', 'es2024', '--module', 'esnext', '--noResolve'];
  run(tsc, [...settings, '--rootDir', dirname(path), '--outDir', directory, path], packageDirectory);
}

/** Runs a command to its end; what it wrote to its standard output. Fails with all that it wrote unless it exits with 0. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}\n${error?.message ?? ''}`);
  return stdout;
}
