import { createHash, hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Selectable } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { objectKeyOf } from '../publish/file-rows.ts';
import { roleKey } from '../publish/publications.ts';
import type { Records } from '../records/records.ts';
import type { FilesTable } from '../records/schema.ts';

/** Objects that are copied at the same time. */
const PARALLEL = 8;
/** Larger ones go through a file. */
const IN_MEMORY = 8 << 20;
const PAGE = 1_000;

/** Copies every object that is not there yet in the same size. @returns how many there are */
export async function copyObjects(from: ObjectStore, to: ObjectStore): Promise<number> {
  const underWay = new Set<Promise<void>>();
  let count = 0;
  for await (const key of from.list('')) {
    if (key.startsWith('probe/')) continue;
    count++;
    const copying = copyObject(from, to, key).finally(() => underWay.delete(copying));
    copying.catch(() => {}); // Seen below.
    underWay.add(copying);
    if (underWay.size >= PARALLEL) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return count;
}

async function copyObject(from: ObjectStore, to: ObjectStore, key: string): Promise<void> {
  const [original, copy] = await Promise.all([from.open(key), to.open(key)]);
  try {
    if (!original || copy?.size === original.size) return;
    if (original.size <= IN_MEMORY) {
      const bytes = await from.get(key, { maxLength: IN_MEMORY });
      if (bytes) await to.put(key, bytes);
      return;
    }
    const incoming = await to.incoming();
    try {
      await pipeline(original.stream(), createWriteStream(incoming.path));
      await to.put(key, { file: incoming.path });
    } finally {
      await incoming.discard();
    }
  } finally {
    original?.close();
    copy?.close();
  }
}

interface Expected {
  readonly key: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * Reads every object that the records name, and compares its length and digest.
 * @returns how many there were
 * @throws DamagedIndexError for the first that is not what was signed
 */
export async function verifyObjects(records: Records, objects: ObjectStore): Promise<number> {
  let count = 0;
  for await (const some of pages(records)) {
    for (let at = 0; at < some.length; at += PARALLEL) {
      await Promise.all(some.slice(at, at + PARALLEL).map((each) => verify(objects, each)));
    }
    count += some.length;
  }
  return count;
}

async function verify(objects: ObjectStore, { key, sha256, size }: Expected): Promise<void> {
  const object = await objects.open(key);
  if (!object) throw new DamagedIndexError(key, 'it is missing');
  try {
    const digest = createHash('sha256');
    await pipeline(object.stream(), digest);
    if (object.size !== size || digest.digest('hex') !== sha256) throw new DamagedIndexError(key, 'it has other bytes');
  } finally {
    object.close();
  }
}

async function* pages({ read }: Records): AsyncGenerator<readonly Expected[]> {
  for (let after = ''; ; ) {
    const query = read.selectFrom('files').selectAll().where('filename', '>', after).orderBy('filename').limit(PAGE);
    const rows = await query.execute();
    yield rows
      .filter(({ state, location }) => (state === 'published' || state === 'staged') && location === null)
      .flatMap(filesOf);
    after = rows.at(-1)?.filename ?? '';
    if (rows.length < PAGE) break;
  }
  for (let after = ''; ; ) {
    const rows = await read
      .selectFrom('roles')
      .selectAll()
      .where('role', '>', after)
      .orderBy('role')
      .limit(PAGE)
      .execute();
    yield rows
      .filter(({ retired }) => retired === 0)
      .map(({ role, version, sha256, length }) => ({ key: roleKey(role, version), sha256, size: length }));
    after = rows.at(-1)?.role ?? '';
    if (rows.length < PAGE) break;
  }
  const roots = await read.selectFrom('roots').selectAll().execute();
  yield roots.map(({ version, bytes }) => {
    return { key: roleKey('root', version), sha256: hash('sha256', bytes), size: bytes.length };
  });
}

function filesOf(row: Selectable<FilesTable>): Expected[] {
  const file = { key: objectKeyOf(row), sha256: row.sha256, size: row.size };
  if (row.metadata_sha256 === null || row.metadata_size === null) return [file];
  return [file, { key: `${file.key}.metadata`, sha256: row.metadata_sha256, size: row.metadata_size }];
}
