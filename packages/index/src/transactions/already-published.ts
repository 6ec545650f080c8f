import { hash } from 'node:crypto';
import type { ProjectTransaction } from '@holdfast/trust';
import { FormatError, parseRotation, parseTargets } from '@holdfast/tuf';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../records/schema.ts';
import { ON_ITS_WAY } from './on-its-way.ts';
import type { ProjectRecord } from './project-record.ts';

/**
 * Whether this is what is published: the same signed parts, whoever signed; or was, in the very same bytes. So who sends a transaction
 * again because the answer was lost learns that it was published, and not that another came first.
 */
export async function isPublished(
  db: Kysely<Database>,
  { state }: ProjectRecord,
  { roles, rotation }: ProjectTransaction,
): Promise<boolean> {
  try {
    if (roles.size === 0) return rotation !== undefined && (await wasLast(db, state.project, rotation));
    const isPresent = Array.from(roles).every(([role, bytes]) => {
      const present = state.roles.get(role);
      return present && isSame(parseTargets(present).signedBytes, parseTargets(bytes).signedBytes);
    });
    return isPresent || (await wasOnce(db, state.project, roles));
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** All of these came with one transaction that was published. Its bytes are not kept, their hashes are. */
async function wasOnce(
  db: Kysely<Database>,
  project: string,
  roles: ReadonlyMap<string, Uint8Array>,
): Promise<boolean> {
  const found = await db
    .selectFrom('transaction_roles')
    .innerJoin('transactions', 'transactions.id', 'transaction_roles.transaction_id')
    .select(['transaction_id', 'transaction_roles.role', 'sha256'])
    .where('project', '=', project)
    .where('state', '=', 'published')
    .where(
      'sha256',
      'in',
      Array.from(roles.values(), (bytes) => hash('sha256', bytes)),
    )
    .execute();
  const ids = new Set(found.map(({ transaction_id }) => transaction_id));
  return [...ids].some((id) =>
    Array.from(roles).every(([role, bytes]) =>
      found.some((each) => each.transaction_id === id && each.role === role && each.sha256 === hash('sha256', bytes)),
    ),
  );
}

/** Every rotate file is kept as evidence, also one that only changed a delegation. */
async function wasLast(db: Kysely<Database>, project: string, rotation: Uint8Array): Promise<boolean> {
  const row = await db
    .selectFrom('evidence')
    .select('bytes')
    .where('project', '=', project)
    .where('kind', 'in', ['rotation', 'revocation'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined && isSame(parseRotation(row.bytes).signedBytes, parseRotation(rotation).signedBytes);
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);

/** The last change of the project that is on its way; `undefined` when none is. What an offline signing changes cannot be waited for. */
export async function untilWhichChange(db: Kysely<Database>, project: string): Promise<number | undefined> {
  const { rows } = await sql<{ id: number | null }>`select max(changes.id) as id from changes
    left join files on files.filename = changes.filename
    left join transactions on transactions.id = changes.transaction_id
    where ${ON_ITS_WAY} and changes.offered = 0 and (files.project = ${project} or transactions.project = ${project})`.execute(
    db,
  );
  return rows[0]?.id ?? undefined;
}
