import { copyFile, link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTimestamp } from '@holdfast/tuf';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { DamagedIndexError, IndexExistsError, NoBackupError } from '../errors.ts';
import { hasCode } from '../objects/storage-failure.ts';
import { beginEverything } from '../publish/mass.ts';
import { syncFile } from '../records/records-file.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { configText } from '../config.ts';
import { CONFIG, readConfig } from '../open.ts';
import { MANIFEST } from './backup.ts';
import { copyObject } from './copy-object.ts';
import { filesBeyond } from './files-beyond.ts';
import { fileObjects } from './object-reader.ts';
import { raiseVersions } from './raise-versions.ts';
import { recordedFiles } from './recorded-files.ts';

export interface RestoreOptions {
  /** A backup, complete. */
  readonly from: string;
  /** New, or what is left of the lost index: its `objects`, without `records.sqlite`. */
  readonly directory: string;
  /** Goes on this many versions after the newest that is known. */
  readonly jump?: number;
  readonly now?: Date;
}

export interface RestoreReport {
  readonly objects: number;
  /** The index goes on after this version of the timestamp. */
  readonly timestampVersion: number;
  /** Published after the backup, and still there: hard links to them, under the names to upload them by. */
  readonly recovered: readonly string[];
  /** Listed in the backup, and in neither place: deleted while it was made. */
  readonly missing: readonly string[];
}

/** More publications than an index makes in a month, at four a second. */
export const JUMP = 10_000_000;
const RECOVERED = 'recovered';

/**
 * Makes an index of a backup that may be older than what its users saw: in its directory, whatever stores the index had that was backed
 * up. `config.json` is written last: until then nothing serves it.
 * @throws NoBackupError, IndexExistsError, DamagedIndexError when an object of the backup is damaged
 */
export async function restoreIndex(options: RestoreOptions): Promise<RestoreReport> {
  const { from, directory, jump = JUMP, now = new Date() } = options;
  await readFile(join(from, MANIFEST)).catch((cause: unknown) => {
    throw new NoBackupError(from, { cause });
  });
  const config = await readConfig(from);
  for (const name of ['records.sqlite', CONFIG])
    if (await isThere(join(directory, name))) throw new IndexExistsError(directory);
  await mkdir(join(directory, 'keys'), { recursive: true, mode: 0o700 });
  const { objects, missing } = await restoreObjects(from, directory);
  for (const name of await readdir(join(from, 'keys')))
    await copyFile(join(from, 'keys', name), join(directory, 'keys', name));
  const copied = join(directory, 'records.sqlite');
  await copyFile(join(from, 'records.sqlite'), copied);
  const timestampVersion = await raise(copied, jump, await versionLeft(directory), now);
  const recovered = await recover(copied, directory);
  const text = configText({ ...config, stores: {} });
  await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(text));
  return { objects, timestampVersion, recovered, missing };
}

async function restoreObjects(from: string, directory: string): Promise<Pick<RestoreReport, 'objects' | 'missing'>> {
  const missing: string[] = [];
  let objects = 0;
  const backup = fileObjects(join(from, 'objects'));
  for (const { key, sha256, elsewhere } of recordedFiles(join(from, 'records.sqlite')).files) {
    const outcome = await copyObject(backup, key, join(directory, 'objects', key), sha256);
    if (outcome !== 'missing') objects += 1;
    else if (!elsewhere) missing.push(key);
  }
  return { objects, missing };
}

async function raise(path: string, jump: number, seen: number, now: Date): Promise<number> {
  await syncFile(path);
  const records = await SqliteRecords.open(path);
  try {
    const newest = await raiseVersions(records, jump, seen, now);
    // Nothing of what the index signed is in a backup: in parts, as a new key would be, rather than some roles at a time.
    await records.write((db) => beginEverything(db, now));
    return newest;
  } finally {
    await records.close();
  }
}

/** What the lost index published last, if that is still there. It is removed: the index signs another. */
async function versionLeft(directory: string): Promise<number> {
  const path = join(directory, 'objects/metadata/timestamp.json');
  try {
    const { version } = parseTimestamp(await readFile(path)).signed;
    await rm(path);
    return version;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return 0;
    throw new DamagedIndexError(path, 'it cannot be read; remove it', { cause: error });
  }
}

/** Links what was published after the backup, so that it can be uploaded again. */
async function recover(records: string, directory: string): Promise<string[]> {
  const recovered: string[] = [];
  for await (const { path, filename } of filesBeyond(records, join(directory, 'objects'))) {
    await mkdir(join(directory, RECOVERED), { recursive: true });
    const to = join(directory, RECOVERED, filename);
    await rm(to, { force: true });
    await link(path, to);
    recovered.push(to);
  }
  return recovered.sort();
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return false;
    throw error;
  }
}
