import { projectBin } from '@holdfast/trust';
import { normalizeName } from '@holdfast/python-index';
import { sql, type Transaction } from 'kysely';
import { binNumber } from '../publish/file-rows.ts';
import { IS_KEPT } from '../publish/kept-roles.ts';
import type { SignedRole } from '../publish/sign-roles.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { type Applied, putFiles } from './apply-files.ts';
import { NOBODY } from './nobody.ts';
import { chunks } from '../publish/chunks.ts';
import { generationOf, type RecoveryPlan } from './plan.ts';
import type { SignedProject, Worktable } from './worktable.ts';

type Write = Transaction<Database>;

const ROWS = 200;

export interface ApplyOptions extends Applied {
  /** The same records, as they are until the transaction ends. */
  readonly good: Records;
  readonly plan: RecoveryPlan;
  /** Tokens go on being good: the machine was not broken into. */
  readonly keepTokens: boolean;
}

/** Makes the records of the last good state those of the plan, as one transaction: O(n) time, memory for some rows and one project. */
export async function applyPlan(db: Write, options: ApplyOptions): Promise<void> {
  const { plan, table, now } = options;
  await db
    .insertInto('accounts')
    .values({ name: NOBODY, created_at: now.getTime() })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  await db.deleteFrom('offline_import_roles').execute();
  await db.deleteFrom('offline_imports').execute();
  await dropPending(db, table);
  await putRoots(db, plan);
  await putRoles(db, plan, table);
  await putStandings(db, options);
  await putFiles(db, options);
  await sql`update projects set bytes = (select coalesce(sum(size), 0) from files
    where files.project = projects.name and files.state <> 'deleted')`.execute(db);
  if (!options.keepTokens)
    await db.updateTable('tokens').set({ revoked_at: now.getTime() }).where('revoked_at', 'is', null).execute();
}

/** What waited in the good state to follow metadata that newer metadata follows already. */
async function dropPending(db: Write, table: Worktable): Promise<void> {
  for (const group of chunks(table.signedProjects(), ROWS)) {
    const some = group.map(({ project }) => project);
    const pending = db
      .selectFrom('transactions')
      .select('id')
      .where('project', 'in', some)
      .where('state', '<>', 'published');
    await db.deleteFrom('changes').where('transaction_id', 'in', pending).execute();
    await db.deleteFrom('transaction_roles').where('transaction_id', 'in', pending).execute();
    await db.deleteFrom('transactions').where('project', 'in', some).where('state', '<>', 'published').execute();
    const files = db.selectFrom('files').select('filename').where('project', 'in', some);
    await db.deleteFrom('changes').where('publication', 'is', null).where('filename', 'in', files).execute();
    await db.deleteFrom('claims_waiting').where('project', 'in', some).execute();
  }
}

async function putRoots(db: Write, { before, roots }: RecoveryPlan): Promise<void> {
  await db
    .insertInto('roots')
    .values(roots.map((bytes, at) => ({ version: at + 1, publication: before, bytes })))
    .onConflict((conflict) => conflict.column('version').doNothing())
    .execute();
}

/** Roles of others that nothing leads to leave, as in any publication. */
async function putRoles(db: Write, { before }: RecoveryPlan, table: Worktable): Promise<void> {
  await sql`update roles set retired = 1 where retired = 0 and ${IS_KEPT}`.execute(db);
  await db.deleteFrom('offline_roles').execute();
  const row = ({ role, version, expiresAt, sha256, length }: SignedRole) => {
    return { role, version, expires_at: expiresAt, publication: before, sha256, length, retired: 0 };
  };
  for (const group of chunks(table.roles(), ROLES)) {
    await db
      .insertInto('roles')
      .values(group.map(row))
      .onConflict((conflict) =>
        conflict.column('role').doUpdateSet((eb) => ({
          version: eb.ref('excluded.version'),
          expires_at: eb.ref('excluded.expires_at'),
          publication: eb.ref('excluded.publication'),
          sha256: eb.ref('excluded.sha256'),
          length: eb.ref('excluded.length'),
          retired: 0,
        })),
      )
      .execute();
    const bytes = group.map((each) => ({ role: each.role, version: each.version, bytes: each.bytes }));
    await db.insertInto('offline_roles').values(bytes).execute();
  }
}

/** With their bytes: some of them have megabytes. */
const ROLES = 8;

async function putStandings(db: Write, { good, table, now }: ApplyOptions): Promise<void> {
  await db.deleteFrom('standings').execute();
  for (const group of chunks(table.signedProjects(), ROWS)) {
    const names = group.map(({ project }) => project);
    // What this transaction does not show yet.
    const before = await good.read
      .selectFrom('standings')
      .select(['project', 'since', 'account'])
      .where('project', 'in', names)
      .execute();
    const known = new Map(before.map((row) => [row.project, row]));
    await db
      .insertInto('standings')
      .values(
        group.map((each) => ({
          ...standingOf(each, now),
          since: known.get(each.project)?.since ?? now.getTime(),
          account: known.get(each.project)?.account ?? null,
        })),
      )
      .execute();
  }
}

function standingOf({ project, standing, role, keys, threshold, rotations, revoked }: SignedProject, now: Date) {
  const bin = binNumber(projectBin(normalizeName(project)));
  const generation = generationOf(role);
  return {
    project,
    bin,
    standing,
    role,
    keys,
    threshold,
    rotations,
    generation,
    revoked_at: revoked === 1 ? now.getTime() : null,
  };
}
