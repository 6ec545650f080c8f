import type { ProjectTransaction } from '@holdfast/trust';
import { FormatError, parseRotation, parseTargets } from '@holdfast/tuf';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../records/schema.ts';
import type { ProjectRecord } from './project-record.ts';

/**
 * Whether this is what is published: the same signed parts, whoever signed. So who sends a transaction again because the answer was lost
 * learns that it was published, and not that another came first.
 */
export async function isPublished(
  db: Kysely<Database>,
  { state }: ProjectRecord,
  { roles, rotation }: ProjectTransaction,
): Promise<boolean> {
  try {
    for (const [role, bytes] of roles) {
      const present = state.roles.get(role);
      if (!present || !isSame(parseTargets(present).signedBytes, parseTargets(bytes).signedBytes)) return false;
    }
    return rotation === undefined ? roles.size > 0 : await wasLast(db, state.project, rotation);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
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

/** The last change of the project that is on its way; `undefined` when none is. */
export async function untilWhichChange(db: Kysely<Database>, project: string): Promise<number | undefined> {
  const { rows } = await sql<{ id: number | null }>`select max(changes.id) as id from changes
    left join files on files.filename = changes.filename
    left join transactions on transactions.id = changes.transaction_id
    where (changes.publication is null or changes.publication in (select id from publications where published_at is null))
      and (files.project = ${project} or transactions.project = ${project})`.execute(db);
  return rows[0]?.id ?? undefined;
}
