import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { report } from '../lib/report.ts';

const root = resolve(import.meta.dirname, '..', '..');
const GOAL = 20_000;

/** Bytes that a page loads for a client alone: `Updater`, HTTP and a store, minified and compressed. */
export function benchWeight(): void {
  const inMemory = bundle(`export { HttpFetcher, MemoryMetadataStore, Updater } from '@holdfast/tuf';`);
  const lasting = bundle(
    `export { HttpFetcher, Updater } from '@holdfast/tuf'; export { IndexedDbMetadataStore } from '@holdfast/tuf/browser';`,
  );
  const line = (what: string, code: Buffer) => {
    const bytes = gzipSync(code, { level: 9 }).length;
    const value = `${(bytes / 1000).toFixed(1)} kB`;
    return {
      what: `${what} (${(code.length / 1000).toFixed(1)} kB before gzip)`,
      value,
      goal: '≤ 20 kB',
      met: bytes <= GOAL,
    };
  };
  report(
    'TUF: what a browser loads for a client',
    'one bundle, minified by esbuild, gzip -9; tuf-js needs Node modules',
    [line('memory only', inMemory), line('with IndexedDB', lasting)],
  );
}

function bundle(entry: string): Buffer {
  const esbuild = join(root, 'packages/tuf/test/peers/node_modules/esbuild/bin/esbuild');
  const options = [
    '--bundle',
    '--minify',
    '--format=esm',
    '--platform=browser',
    '--target=es2024',
    '--log-level=error',
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [esbuild, ...options], {
    cwd: root,
    input: entry,
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}
