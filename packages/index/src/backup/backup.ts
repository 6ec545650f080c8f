import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { DamagedIndexError } from '../errors.ts';
import { copyRecords } from '../migrate/copy-records.ts';
import { CONFIG, readConfig } from '../open.ts';
import { PostgresRecords } from '../records/postgres-records.ts';
import { copyRecordsFile, removeRecords } from '../records/records-file.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { openObjects } from '../stores.ts';
import { copyObject } from './copy-object.ts';
import { fileObjects, type ObjectReader } from './object-reader.ts';
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

/**
 * Copies an index, also while it is served, into a directory, where what an earlier backup copied stays. The records come
 * first, and then every object that they name: objects never change, so that the two fit together. A backup looks the same wherever the
 * index keeps them.
 * @throws NoIndexError, DamagedIndexError when an object is not what the records say
 */
export async function backupIndex(directory: string, to: string): Promise<BackupReport> {
  const { stores } = await readConfig(directory);
  await mkdir(to, { recursive: true, mode: 0o700 });
  const fresh = join(to, 'records.sqlite.new');
  if (stores.records === undefined) await copyRecordsFile(join(directory, 'records.sqlite'), fresh);
  else await copyDatabaseOfRecords(stores.records, fresh);
  assertWhole(fresh);
  const incoming = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
  let report: BackupReport;
  try {
    // With a place of its own for what is on its way in: that of the index is in use.
    const objects = stores.objects === undefined ? undefined : await openObjects(incoming, stores);
    report = await copyObjects(objects ?? fileObjects(join(directory, 'objects')), to, fresh);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  await rm(join(to, 'keys'), { recursive: true, force: true });
  await mkdir(join(to, 'keys'), { mode: 0o700 });
  for (const name of await readdir(join(directory, 'keys')))
    await copyFile(join(directory, 'keys', name), join(to, 'keys', name));
  await copyFile(join(directory, CONFIG), join(to, CONFIG));
  await rename(fresh, join(to, 'records.sqlite'));
  const manifest = { format: 1, at: new Date().toISOString(), timestampVersion: report.timestampVersion };
  await writeFileAtomic(join(to, MANIFEST), Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
  return report;
}

/** As it was at one moment, page by page: O(n) time, and nobody who writes waits. */
async function copyDatabaseOfRecords(location: string, to: string): Promise<void> {
  await removeRecords(to);
  const source = await PostgresRecords.open({ location });
  try {
    const target = await SqliteRecords.open(to);
    try {
      await source.shared.snapshot((read) => copyRecords({ read }, target, () => {}));
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
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

async function copyObjects(from: ObjectReader, to: string, records: string): Promise<BackupReport> {
  let [objects, copied] = [0, 0];
  const deletedMeanwhile: string[] = [];
  const { timestampVersion, files } = recordedFiles(records);
  for (const { key, sha256, elsewhere } of files) {
    const outcome = await copyObject(from, key, join(to, 'objects', key), sha256);
    if (outcome === 'missing') {
      if (!elsewhere) deletedMeanwhile.push(key);
      continue;
    }
    objects += 1;
    if (outcome === 'copied') copied += 1;
  }
  return { timestampVersion, objects, copied, deletedMeanwhile };
}
