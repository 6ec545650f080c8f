import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { copyObject } from '../backup/backup.ts';
import { recordedFiles } from '../backup/recorded-files.ts';
import { hasCode } from '../objects/storage-failure.ts';
import { roleKey } from '../publish/publications.ts';
import { type KeptFile, objectKey } from './kept-files.ts';
import { type RecoveryPlan, signedRoles } from './plan.ts';

export interface RecoveredObjects {
  /** Objects whose bytes are what was published. */
  readonly good: number;
  /** Those of the backup, because the ones that were there had other bytes, or none. */
  readonly copied: readonly string[];
  /** In neither place. */
  readonly missing: readonly string[];
  /** What nothing leads to any more; it lies in `aside`. */
  readonly setAside: readonly string[];
}

/**
 * Makes the object store hold what the recovered records name: every object is hashed again, whatever its size and name say.
 * @param aside where objects go that nothing leads to
 */
export async function recoverObjects(
  directory: string,
  { records, backup, aside }: { records: string; backup: string; aside: string },
): Promise<RecoveredObjects> {
  const [copied, missing, known]: [string[], string[], Set<string>] = [[], [], new Set()];
  let good = 0;
  const elsewhere = filesElsewhere(records);
  for (const { key, sha256, filename } of recordedFiles(records).files) {
    known.add(key);
    if (elsewhere.has(filename.replace(/\.metadata$/, ''))) continue;
    const path = join(directory, 'objects', key);
    if ((await hashOf(path)) === sha256) {
      good += 1;
      continue;
    }
    const there = await hashOf(join(backup, 'objects', key));
    if (there !== sha256) {
      missing.push(key);
      continue;
    }
    await moveAside(directory, key, aside);
    await copyObject(join(backup, 'objects', key), path, sha256);
    copied.push(key);
  }
  const setAside: string[] = [];
  for (const key of await keysBelow(directory, 'targets')) {
    if (known.has(key)) continue;
    await moveAside(directory, key, aside);
    setAside.push(key);
  }
  return { good, copied, missing, setAside: setAside.sort() };
}

/** Takes all metadata away that whoever had the keys may have made, and puts what others signed. The index signs the rest anew. */
export async function recoverMetadata(directory: string, plan: RecoveryPlan): Promise<void> {
  for (const top of ['metadata', 'feed']) await rm(join(directory, 'objects', top), { recursive: true, force: true });
  for (const [at, bytes] of plan.chain.roots.entries()) await putObject(directory, roleKey('root', at + 1), bytes);
  for (const { role, version, bytes } of signedRoles(plan))
    if (bytes) await putObject(directory, roleKey(role, version), bytes);
}

/** What installers are to be told of a kept wheel is what is in it. */
export async function putCoreMetadata(directory: string, file: KeptFile): Promise<void> {
  const path = join(directory, `${objectKey(file.project, file.filename, file.sha256)}.metadata`);
  if (file.metadata) await writeFileAtomic(path, file.metadata);
}

async function putObject(directory: string, key: string, bytes: Uint8Array): Promise<void> {
  const path = join(directory, 'objects', key);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, bytes);
}

/** Files whose bytes were never here: installers are led to them, and compare what comes. */
function filesElsewhere(records: string): ReadonlySet<string> {
  const database = new DatabaseSync(records, { readOnly: true });
  try {
    const rows = database.prepare('select filename from files where location is not null').all();
    return new Set(rows.map((row) => String(row['filename'])));
  } finally {
    database.close();
  }
}

async function moveAside(directory: string, key: string, aside: string): Promise<void> {
  const to = join(aside, 'objects', key);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(join(directory, 'objects', key), to).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
}

async function keysBelow(directory: string, top: string): Promise<string[]> {
  const base = join(directory, 'objects');
  const entries = await readdir(join(base, top), { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  return entries.flatMap((entry) =>
    entry.isDirectory() ? [] : [join(entry.parentPath, entry.name).slice(base.length + 1)],
  );
}

/** `undefined` where there is no file. */
async function hashOf(path: string): Promise<string | undefined> {
  const hashing = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hashing.update(chunk as Buffer);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EISDIR') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
  return hashing.digest('hex');
}
