import { UNCLAIMED } from '@holdfast/trust';
import { type Kysely, sql, type Transaction } from 'kysely';
import { MetadataRefusedError } from '../../errors.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { Records } from '../../records/records.ts';
import type { Database } from '../../records/schema.ts';
import { chunks } from '../chunks.ts';
import { binDigits } from '../file-rows.ts';
import { UNNUMBERED } from '../mass.ts';
import { type PendingRole, putRoles } from '../publications.ts';
import type { SignedRole } from '../sign-roles.ts';
import { type OfferedMove, onlineTop } from '../tree-changes.ts';
import type { FileChange } from '../../transactions/file-changes.ts';
import type { AcceptedTrees } from './accept-trees.ts';

/** Roles, and their bytes, that are written or put together. */
const ROLES = 64;
const BYTES = 16 << 20;
const ROWS = 500;

/** Writes the roles of an offer into the records. Nothing leads to them until {@link insertOffered}; what an earlier attempt left goes. */
export async function keepOffered(records: Records, { roles, retired }: AcceptedTrees): Promise<void> {
  await records.write((db) => db.deleteFrom('offered_roles').execute());
  for (const some of slices(roles)) {
    await records.write(async (db) => {
      const rows = some.map(({ role, version, expiresAt, sha256, length, bytes }) => {
        return { role, version, expires_at: expiresAt, sha256, length, bytes };
      });
      await db.insertInto('offered_roles').values(rows).execute();
    });
  }
  const gone = { version: 0, expires_at: 0, sha256: '', length: 0, bytes: null };
  await records.write(async (db) => {
    for (const some of chunks(retired, ROWS))
      await db
        .insertInto('offered_roles')
        .values(some.map((role) => ({ role, ...gone })))
        .execute();
  });
}

function* slices(roles: readonly SignedRole[]): Generator<readonly SignedRole[]> {
  let some: SignedRole[] = [];
  let bytes = 0;
  for (const role of roles) {
    if (some.length === ROLES || (some.length > 0 && bytes + role.length > BYTES)) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(role);
    bytes += role.length;
  }
  if (some.length > 0) yield some;
}

/**
 * Writes what the offer makes of projects, as a part of the transaction that begins its publication.
 * @returns false when transactions of these projects wait: they come first, and the offer is looked at once more
 * @throws MetadataRefusedError when files came, changed or went since they were looked at
 */
export async function insertOffered(db: Transaction<Database>, trees: AcceptedTrees, now: Date): Promise<boolean> {
  const { standings, files, upTo } = trees;
  await db.deleteFrom('offered_standings').execute();
  for (const some of chunks(standings, ROWS)) await db.insertInto('offered_standings').values(some).execute();
  const { rows: queued } = await sql`select 1 from transactions where state = 'queued' and (claim is not null
    or project in (select project from offered_standings)) limit 1`.execute(db);
  if (queued.length > 0) {
    await db.deleteFrom('offered_standings').execute();
    return false;
  }
  await assertNothingCame(db, upTo);
  const common = { account: null, recorded_at: now.getTime(), publication: UNNUMBERED, offered: 1 };
  for (const some of chunks([...files, ...(await stagedOfUnclaimed(db))], ROWS)) {
    await assertThere(db, some);
    await db
      .insertInto('changes')
      .values(some.map((change) => ({ ...change, ...common })))
      .execute();
  }
  return true;
}

/** Those of projects that the index signs for until now: whoever made them was told that they are published. */
async function assertNothingCame(db: Transaction<Database>, upTo: number): Promise<void> {
  const { rows } = await sql<{ project: string }>`select files.project from changes
    join files on files.filename = changes.filename
    join offered_standings o on o.project = files.project
    where o.standing <> ${UNCLAIMED} and (changes.id > ${upTo} or changes.publication is null)
      and not exists (select 1 from standings s where s.project = o.project) limit 1`.execute(db);
  const [row] = rows;
  if (row) throw new MetadataRefusedError(row.project, 'files of it come or change at this moment');
}

/** What waits for projects that go back to the index is published, also what came at the last moment. */
async function stagedOfUnclaimed(db: Transaction<Database>): Promise<readonly FileChange[]> {
  const rows = await db
    .selectFrom('files')
    .innerJoin('offered_standings as o', 'o.project', 'files.project')
    .select('filename')
    .where('o.standing', '=', UNCLAIMED)
    .where('files.state', '=', 'staged')
    .execute();
  return rows.map(({ filename }) => ({ kind: 'add', filename, reason: null }));
}

/** A staged file may have been discarded since it was looked at. */
async function assertThere(db: Transaction<Database>, changes: readonly FileChange[]): Promise<void> {
  const names = changes.map(({ filename }) => filename);
  const rows = await db
    .selectFrom('files')
    .select('filename')
    .where('filename', 'in', names)
    .where('state', 'in', ['published', 'staged'])
    .execute();
  const there = new Set(rows.map(({ filename }) => filename));
  const gone = names.find((name) => !there.has(name));
  if (gone !== undefined) throw new MetadataRefusedError(gone, 'it was discarded in the meantime');
}

/** Puts the roles of the offer under way into the object store and notes them as prepared, slice by slice; what is there is passed over. */
export async function putOffered(records: Records, objects: ObjectStore): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await records.read
      .selectFrom('offered_roles')
      .select(['role', 'version', 'expires_at', 'sha256', 'length'])
      .where('role', '>', after)
      .where('bytes', 'is not', null)
      .where(sql<boolean>`not exists (select 1 from prepared where prepared.role = offered_roles.role)`)
      .orderBy('role')
      .limit(ROLES)
      .execute();
    const last = rows.at(-1);
    if (!last) return;
    for (const row of rows) {
      const { bytes } = await records.read
        .selectFrom('offered_roles')
        .select('bytes')
        .where('role', '=', row.role)
        .executeTakeFirstOrThrow();
      const role: PendingRole = { ...row, expiresAt: row.expires_at, bytes: bytes ?? undefined };
      await putRoles(objects, [role]);
    }
    const prepared = rows.map((row) => ({ ...row, publication: UNNUMBERED, retired: 0, bytes: null }));
    await records.write((db) => db.insertInto('prepared').values(prepared).execute());
    after = last.role;
  }
}

/** Roles that leave with the offer under way. */
export async function offeredRetired(db: Kysely<Database>): Promise<string[]> {
  const rows = await db.selectFrom('offered_roles').select('role').where('bytes', 'is', null).execute();
  return rows.map(({ role }) => role);
}

/** Projects that the offer under way moves out of, or into, the trees that the index signs. */
export async function offeredMoves(db: Kysely<Database>): Promise<OfferedMove[]> {
  const rows = await db
    .selectFrom('offered_standings as o')
    .leftJoin('standings as s', 's.project', 'o.project')
    .select(['o.bin', 'o.standing as to', 's.standing as from'])
    .execute();
  return rows.map(({ bin, to, from }) => {
    return { bin: binDigits(bin), from: onlineTop(from ?? 'unclaimed'), to: onlineTop(to) };
  });
}

/** Projects whose files it touches. */
export async function offeredProjects(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('changes')
    .innerJoin('files', 'files.filename', 'changes.filename')
    .select('files.project')
    .distinct()
    .where('changes.publication', '=', UNNUMBERED)
    .execute();
  return rows.map(({ project }) => project);
}
