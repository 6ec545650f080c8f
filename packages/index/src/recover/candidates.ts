import { InvalidObjectKeyError, ObjectTooLargeError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { roleKey } from '../publish/publications.ts';
import type { Records } from '../records/records.ts';
import { bytesIn, type Worktable } from './worktable.ts';

/** Where metadata may be that was published: the index as it is, and a backup of it. Neither is believed. */
export interface Candidates {
  /** All that there are under this name, one at a time. */
  kept(role: string): AsyncIterable<Uint8Array>;
  root(version: number): AsyncIterable<Uint8Array>;
}

/** Larger than any role. */
const MAX_BYTES = 64 << 20;
const TOP = 'metadata/';

/** Notes the name of every metadata object: also of versions that the records do not have any more, or that somebody took out of them. */
export async function layOutStored(objects: ObjectStore, table: Worktable): Promise<void> {
  for await (const key of objects.list(TOP)) {
    if (!key.endsWith('.json')) continue;
    const name = key.slice(TOP.length, -'.json'.length);
    const [, role = name] = /^\d+\.(.+)$/s.exec(name) ?? [];
    table.add('stored', { role, key });
  }
}

/** The records of the index and of the good state, and what lies in the object store. */
export function candidatesOf(good: Records, table: Worktable, objects: ObjectStore): Candidates {
  return {
    async *kept(role) {
      const said = table.kept(role);
      if (said) yield said;
      const row = await good.read
        .selectFrom('offline_roles')
        .select('bytes')
        .where('role', '=', role)
        .executeTakeFirst();
      const bytes = bytesIn(row);
      if (bytes) yield bytes;
      for (const key of table.stored(role)) yield* read(objects, key);
    },
    async *root(version) {
      const said = table.keptRoot(version);
      if (said) yield said;
      yield* read(objects, roleKey('root', version));
    },
  };
}

/** What is no object, or too large to be metadata, is none. */
async function* read(objects: ObjectStore, key: string): AsyncGenerator<Uint8Array> {
  try {
    const bytes = await objects.get(key, { maxLength: MAX_BYTES });
    if (bytes) yield bytes;
  } catch (error) {
    if (!(error instanceof ObjectTooLargeError || error instanceof InvalidObjectKeyError)) throw error;
  }
}
