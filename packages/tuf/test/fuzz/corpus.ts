import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Coverage } from './coverage.ts';
import { bytesOf, type FuzzTarget } from './target.ts';

function directoryOf(target: string): string {
  return fileURLToPath(new URL(`corpus/${target}/`, import.meta.url));
}

/** The inputs kept for a target, by file name; shortest first. */
export function readCorpus(target: string): ReadonlyMap<string, Uint8Array> {
  const directory = directoryOf(target);
  if (!existsSync(directory)) return new Map();
  const files = readdirSync(directory).map((name): [string, Uint8Array] => [name, readFileSync(`${directory}${name}`)]);
  return new Map(files.sort(([, a], [, b]) => a.length - b.length));
}

/** Everything that a target is run with again: its seeds and its corpus. */
export function inputsOf(name: string, target: FuzzTarget): readonly Uint8Array[] {
  return [...target.seeds.map(bytesOf), ...readCorpus(name).values()];
}

/** Named by content; `finding-…` when the input broke a promise. @returns the file's path */
export function addToCorpus(target: string, input: Uint8Array, kind = ''): string {
  mkdirSync(directoryOf(target), { recursive: true });
  const path = `${directoryOf(target)}${kind}${createHash('sha256').update(input).digest('hex').slice(0, 16)}`;
  writeFileSync(path, input);
  return path;
}

/** Drops what runs nothing that shorter inputs do not run, nor has a label of its own; findings stay. */
export async function minimizeCorpus(name: string, target: FuzzTarget, coverage: Coverage): Promise<void> {
  const labels = new Set<string>();
  coverage.sample(false);
  for (const [file, input] of readCorpus(name)) {
    const label = await target.run(input);
    const { isNew } = coverage.sample(true);
    if (!isNew && labels.has(label) && !file.startsWith('finding-')) rmSync(`${directoryOf(name)}${file}`);
    labels.add(label);
  }
}
