import { hash } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { backup as copyDatabase, DatabaseSync } from 'node:sqlite';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { parseConfig } from '../config.ts';
import { DamagedIndexError, NoIndexError, NotEmbeddedError } from '../errors.ts';
import { hasCode } from '../objects/storage-failure.ts';
import { recordedFiles } from './recorded-files.ts';

export interface BackupReport {
  /** Of the newest publication in it. */
  readonly timestampVersion: number;
  /** Objects that are in it, and those of them that were copied now. */
  readonly objects: number;
  readonly copied: number;
  /** Files that were deleted from the index while it was backed up. */
  readonly deletedMeanwhile: readonly string[];
}

/** Written last: a backup without it is not complete. */
export const MANIFEST = 'backup.json';
/** A page of the records' file after the other would begin anew whenever somebody publishes: all in one step. */
const ALL_PAGES = 2 ** 30;

/**
 * Copies an index, also while it is served, into a directory, where what an earlier backup copied stays. The records come
 * first, and then every object that they name: objects never change, so that the two fit together.
 * @throws NoIndexError, NotEmbeddedError, DamagedIndexError when an object is not what the records say
 */
export async function backupIndex(directory: string, to: string): Promise<BackupReport> {
  await readEmbeddedConfig(directory);
  await mkdir(to, { recursive: true, mode: 0o700 });
  const fresh = join(to, 'records.sqlite.new');
  await rm(fresh, { force: true });
  const source = new DatabaseSync(join(directory, 'records.sqlite'), { readOnly: true });
  try {
    await copyDatabase(source, fresh, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
  assertWhole(fresh);
  const report = await copyObjects(directory, to, fresh);
  await rm(join(to, 'keys'), { recursive: true, force: true });
  await mkdir(join(to, 'keys'), { mode: 0o700 });
  for (const name of await readdir(join(directory, 'keys')))
    await copyFile(join(directory, 'keys', name), join(to, 'keys', name));
  await copyFile(join(directory, 'config.json'), join(to, 'config.json'));
  await rename(fresh, join(to, 'records.sqlite'));
  const manifest = { format: 1, at: new Date().toISOString(), timestampVersion: report.timestampVersion };
  await writeFileAtomic(join(to, MANIFEST), Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
  return report;
}

/** Also takes the copy out of write-ahead logging, which would make files beside it, even for who only reads. */
function assertWhole(path: string): void {
  const copy = new DatabaseSync(path);
  try {
    copy.exec('pragma journal_mode = delete');
    const finding = copy.prepare('pragma quick_check(1)').get()?.['quick_check'];
    if (finding !== 'ok') throw new DamagedIndexError('records', String(finding));
  } finally {
    copy.close();
  }
}

/** @throws NoIndexError, NotEmbeddedError */
export async function readEmbeddedConfig(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'config.json'), 'utf8').catch((cause: unknown) => {
    throw hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR') ? new NoIndexError(directory, { cause }) : cause;
  });
  const { records, objects } = parseConfig(text).stores;
  if (records !== undefined || objects !== undefined) throw new NotEmbeddedError();
}

async function copyObjects(directory: string, to: string, records: string): Promise<BackupReport> {
  let [objects, copied] = [0, 0];
  const deletedMeanwhile: string[] = [];
  const { timestampVersion, files } = recordedFiles(records);
  for (const { key, sha256 } of files) {
    const outcome = await copyObject(join(directory, 'objects', key), join(to, 'objects', key), sha256);
    if (outcome === 'missing') {
      deletedMeanwhile.push(key);
      continue;
    }
    objects += 1;
    if (outcome === 'copied') copied += 1;
  }
  return { timestampVersion, objects, copied, deletedMeanwhile };
}

/** Copies durably what is not there yet, and only what has the right hash. */
export async function copyObject(from: string, to: string, sha256: string): Promise<'copied' | 'there' | 'missing'> {
  const [source, target] = await Promise.all([sizeOf(from), sizeOf(to)]);
  if (source === undefined) return target === undefined ? 'missing' : 'there';
  if (target === source) return 'there';
  const bytes = await readFile(from);
  if (hash('sha256', bytes) !== sha256)
    throw new DamagedIndexError(from, 'it is not what was published under this name');
  await mkdir(dirname(to), { recursive: true });
  const temporary = `${to}.new`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, to);
  return 'copied';
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
