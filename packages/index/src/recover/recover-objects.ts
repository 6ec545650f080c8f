import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { normalizeName } from '@holdfast/python-index';
import { fileObjects, type ObjectReader } from '../backup/object-reader.ts';
import { recordedFiles } from '../backup/recorded-files.ts';
import { InvalidObjectKeyError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { inParallel } from './in-parallel.ts';
import { objectKeyOf } from '../publish/file-rows.ts';

/** What became of an object: `missing` is in neither place; to `set-aside` nothing leads any more. */
export interface RecoveredObject {
  readonly key: string;
  readonly outcome: 'copied' | 'missing' | 'set-aside';
}

/** How many there are of each. */
export interface ObjectCounts {
  /** Objects whose bytes are what was published. */
  readonly good: number;
  /** Those of the backup, because the ones that were there had other bytes, or none. */
  readonly copied: number;
  readonly missing: number;
  readonly setAside: number;
  /** Under names that no index gives: they stay, and nothing leads to them. */
  readonly foreign: number;
}

interface Places {
  readonly objects: ObjectStore;
  /** The recovered records' file. */
  readonly records: string;
  /** A backup's directory. */
  readonly backup: string;
  /** Where objects go that nothing leads to. */
  readonly aside: string;
  readonly tell: (object: RecoveredObject) => void;
}

/**
 * Makes the object store hold what the recovered records name: every object is hashed again, whatever its size and name say. O(n)
 * requests, memory for a few.
 */
export async function recoverObjects(places: Places): Promise<ObjectCounts> {
  const counts = { good: 0, copied: 0, missing: 0, setAside: 0, foreign: 0 };
  const backup = fileObjects(join(places.backup, 'objects'));
  await inParallel(recordedFiles(places.records).files, async ({ key, sha256, elsewhere }) => {
    // Files whose bytes were never here: installers are led to them, and compare what comes.
    if (elsewhere) return;
    const outcome = await recoverObject(places, backup, key, sha256);
    counts[outcome] += 1;
    if (outcome !== 'good') places.tell({ key, outcome });
  });
  const named = namedBy(places.records);
  try {
    await inParallel(places.objects.list('targets/'), async (key) => {
      if (named.has(key)) return;
      if (!(await moveAside(places, key))) return void (counts.foreign += 1);
      counts.setAside += 1;
      places.tell({ key, outcome: 'set-aside' });
    });
  } finally {
    named.close();
  }
  return counts;
}

async function recoverObject(
  places: Places,
  backup: ObjectReader,
  key: string,
  sha256: string,
): Promise<'good' | 'copied' | 'missing'> {
  const { objects } = places;
  if ((await hashOf(objects, key)) === sha256) return 'good';
  if ((await hashOf(backup, key)) !== sha256) return 'missing';
  await moveAside(places, key);
  const incoming = await objects.incoming();
  try {
    await copyFile(join(places.backup, 'objects', key), incoming.path);
    await objects.put(key, { file: incoming.path });
  } finally {
    await incoming.discard();
  }
  return 'copied';
}

/** Whether it could be: for who looks into the theft. */
async function moveAside({ objects, aside }: Places, key: string): Promise<boolean> {
  try {
    const object = await objects.open(key);
    if (!object) return true;
    const to = join(aside, 'objects', key);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    try {
      await pipeline(object.stream(), createWriteStream(to, { mode: 0o600, flush: true }));
    } finally {
      object.close();
    }
    await objects.delete(key);
    return true;
  } catch (error) {
    if (error instanceof InvalidObjectKeyError) return false;
    throw error;
  }
}

/** `undefined` where there is none. */
async function hashOf(objects: ObjectReader, key: string): Promise<string | undefined> {
  const object = await objects.open(key);
  if (!object) return undefined;
  try {
    const hashing = createHash('sha256');
    await pipeline(object.stream(), hashing);
    return hashing.digest('hex');
  } finally {
    object.close();
  }
}

const KEY = /^targets\/[^/]+\/[^/]+\/[0-9a-f]{64}\.([^/]+)$/;

/** Whether records name an object: asked for each key, since there may be more than fit into memory. */
function namedBy(path: string): { has(key: string): boolean; close(): void } {
  const database = new DatabaseSync(path, { readOnly: true });
  const query = database.prepare(
    "select project, filename, sha256, metadata_sha256 from files where filename = ? and state in ('published', 'queued', 'staged')",
  );
  const names = (filename: string, key: string, ending: string): boolean => {
    const row = query.get(filename);
    if (!row || (ending !== '' && row['metadata_sha256'] === null)) return false;
    const project = normalizeName(String(row['project']));
    return `${objectKeyOf({ project, filename, sha256: String(row['sha256']) })}${ending}` === key;
  };
  return {
    has(key) {
      const [, name = ''] = KEY.exec(key) ?? [];
      const metadata = name.endsWith('.metadata') && names(name.slice(0, -'.metadata'.length), key, '.metadata');
      return metadata || names(name, key, '');
    },
    close: () => database.close(),
  };
}
