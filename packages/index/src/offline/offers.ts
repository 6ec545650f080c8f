import { setTimeout as wait } from 'node:timers/promises';
import type { Transaction } from 'kysely';
import { chunks } from '../publish/chunks.ts';
import type { OfflineOffer } from '../publish/offline.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';

/** How an offline signing ended. */
export type OfferOutcome =
  | { readonly state: 'published'; readonly timestampVersion: number }
  | { readonly state: 'refused'; readonly message: string };

/** Roles of one transaction: some megabytes. */
const SLICE = 200;
const ROWS_PER_STATEMENT = 20;
const LOOK_MS = 200;
/** Milliseconds after which an offer that is not whole was broken off: writing one takes minutes at most. */
const BROKEN_OFF_MS = 3_600_000;

/** Writes an offer into the records, for the process that signs; from the last statement on that will publish it. @returns its number */
export async function recordOffer(records: Records, offer: OfflineOffer, now: Date): Promise<number> {
  const { id } = await records.write(async (db) => {
    await dropBrokenOff(db, now);
    return await db
      .insertInto('offline_imports')
      .values({ recorded_at: now.getTime(), state: 'filling', message: null, timestamp_version: null })
      .returning('id')
      .executeTakeFirstOrThrow();
  });
  for (const slice of chunks(rowsOf(id, offer), SLICE)) {
    await records.write(async (db) => {
      for (const some of chunks(slice, ROWS_PER_STATEMENT))
        await db.insertInto('offline_import_roles').values(some).execute();
    });
  }
  await records.write((db) =>
    db.updateTable('offline_imports').set({ state: 'waiting' }).where('id', '=', id).execute(),
  );
  return id;
}

/** Nobody will end what a command was writing when it was killed. */
async function dropBrokenOff(db: Transaction<Database>, now: Date): Promise<void> {
  const broken = db
    .selectFrom('offline_imports')
    .select('id')
    .where('state', '=', 'filling')
    .where('recorded_at', '<', now.getTime() - BROKEN_OFF_MS);
  await db.deleteFrom('offline_import_roles').where('import_id', 'in', broken).execute();
  await db.deleteFrom('offline_imports').where('id', 'in', broken).execute();
}

interface OfferRow {
  readonly import_id: number;
  readonly role: string;
  readonly bytes: Uint8Array | null;
}

function rowsOf(import_id: number, { root, targets, roles = new Map(), retired = [] }: OfflineOffer): OfferRow[] {
  const files = new Map<string, Uint8Array>([
    ...(root ? [['root', root] as const] : []),
    ...(targets ? [['targets', targets] as const] : []),
    ...roles,
  ]);
  return [
    ...Array.from(files, ([role, bytes]) => ({ import_id, role, bytes })),
    ...retired.map((role) => ({ import_id, role, bytes: null })),
  ];
}

/** What {@link recordOffer} wrote. */
export async function loadOffer(records: Records, id: number): Promise<OfflineOffer> {
  const roles = new Map<string, Uint8Array>();
  const retired: string[] = [];
  for (let after = ''; ; ) {
    const rows = await records.read
      .selectFrom('offline_import_roles')
      .select(['role', 'bytes'])
      .where('import_id', '=', id)
      .where('role', '>', after)
      .orderBy('role')
      .limit(SLICE)
      .execute();
    for (const { role, bytes } of rows) {
      if (bytes) roles.set(role, bytes);
      else retired.push(role);
    }
    const last = rows.at(-1);
    if (!last || rows.length < SLICE) break;
    after = last.role;
  }
  const [root, targets] = [roles.get('root'), roles.get('targets')];
  roles.delete('root');
  roles.delete('targets');
  return {
    ...(root && { root }),
    ...(targets && { targets }),
    ...(roles.size > 0 && { roles }),
    ...(retired.length > 0 && { retired }),
  };
}

/** Waits for an offer's outcome; `undefined` when nobody has begun with it after `beginMs`. */
export async function outcomeOf(records: Records, id: number, beginMs: number): Promise<OfferOutcome | undefined> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const row = await records.read
      .selectFrom('offline_imports')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (row.state === 'published') return { state: 'published', timestampVersion: row.timestamp_version ?? 0 };
    if (row.state === 'refused') return { state: 'refused', message: row.message ?? '' };
    if (row.state === 'waiting' && waited >= beginMs) return undefined;
    await wait(LOOK_MS);
  }
}
