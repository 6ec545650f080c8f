import { hash } from 'node:crypto';
import { parseFilenameOf } from '@holdfast/python-index';
import { type Distribution, projectBin } from '@holdfast/trust';
import { type Insertable, sql, type Transaction } from 'kysely';
import { chunks } from '../publish/chunks.ts';
import { binNumber } from '../publish/file-rows.ts';
import { IS_KEPT } from '../publish/kept-roles.ts';
import { keysText } from '../publish/standing-rows.ts';
import type { Database, FilesTable } from '../records/schema.ts';
import type { KeptFile } from './kept-files.ts';
import { generationOf, type PlannedClaim, type RecoveryPlan, signedRoles, yankedText } from './plan.ts';
import type { Row, StillRecords } from './still-records.ts';

type Write = Transaction<Database>;

const ROWS = 200;
/** Whoever made projects and files of which the good records know nothing. */
const NOBODY = 'recovered';

export interface ApplyOptions {
  readonly plan: RecoveryPlan;
  readonly present: StillRecords;
  readonly kept: ReadonlyMap<string, KeptFile>;
  readonly now: Date;
  /** Tokens go on being good: the machine was not broken into. */
  readonly keepTokens: boolean;
}

/** Makes the records of the last good state those of the plan, as one transaction. */
export async function applyPlan(db: Write, options: ApplyOptions): Promise<void> {
  const { plan, now } = options;
  await db
    .insertInto('accounts')
    .values({ name: NOBODY, created_at: now.getTime() })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  await db.deleteFrom('offline_import_roles').execute();
  await db.deleteFrom('offline_imports').execute();
  await dropPending(db, plan);
  await putRoots(db, plan);
  await putRoles(db, plan);
  await putStandings(db, plan, now);
  await putFiles(db, options);
  await sql`update projects set bytes = (select coalesce(sum(size), 0) from files
    where files.project = projects.name and files.state <> 'deleted')`.execute(db);
  if (!options.keepTokens)
    await db.updateTable('tokens').set({ revoked_at: now.getTime() }).where('revoked_at', 'is', null).execute();
}

/** What waited in the good state to follow metadata that newer metadata follows already. */
async function dropPending(db: Write, { claimed, chain }: RecoveryPlan): Promise<void> {
  for (const some of chunks([...claimed.keys(), ...chain.rarelyUpdated.keys()], ROWS)) {
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

async function putRoots(db: Write, { before, chain }: RecoveryPlan): Promise<void> {
  await db
    .insertInto('roots')
    .values(chain.roots.map((bytes, at) => ({ version: at + 1, publication: before, bytes })))
    .onConflict((conflict) => conflict.column('version').doNothing())
    .execute();
}

/** Roles of others that nothing leads to leave, as in any publication. */
async function putRoles(db: Write, plan: RecoveryPlan): Promise<void> {
  await sql`update roles set retired = 1 where retired = 0 and ${IS_KEPT}`.execute(db);
  await db.deleteFrom('offline_roles').execute();
  for (const { role, version, expiresAt, sha256, length, bytes } of signedRoles(plan)) {
    const row = { version, expires_at: expiresAt, publication: plan.before, sha256, length, retired: 0 };
    await db
      .insertInto('roles')
      .values({ role, ...row })
      .onConflict((conflict) => conflict.column('role').doUpdateSet(row))
      .execute();
    if (bytes) await db.insertInto('offline_roles').values({ role, version, bytes }).execute();
  }
}

async function putStandings(db: Write, { claimed, chain }: RecoveryPlan, now: Date): Promise<void> {
  const before = await db.selectFrom('standings').select(['project', 'since', 'account']).execute();
  const known = new Map(before.map((row) => [row.project, row]));
  await db.deleteFrom('standings').execute();
  const row = (project: string) => ({
    project,
    bin: binNumber(projectBin(project as Distribution['project'])),
    since: known.get(project)?.since ?? now.getTime(),
    account: known.get(project)?.account ?? null,
  });
  const nobody = { role: null, keys: null, threshold: null, rotations: 0, generation: 0, revoked_at: null };
  const rows = [
    ...Array.from(claimed, ([project, claim]) => ({ ...row(project), ...standingOf(claim, now) })),
    ...Array.from(chain.rarelyUpdated.keys(), (project) => {
      return { ...row(project), ...nobody, standing: 'rarely-updated' as const };
    }),
  ];
  for (const some of chunks(rows, ROWS)) await db.insertInto('standings').values(some).execute();
}

function standingOf({ standing, delegation: { role }, chain }: PlannedClaim, now: Date) {
  return {
    standing,
    role,
    keys: keysText(chain.keys.values()),
    threshold: chain.threshold,
    rotations: chain.rotations,
    generation: generationOf(role),
    revoked_at: chain.revoked ? now.getTime() : null,
  };
}

async function putFiles(db: Write, options: ApplyOptions): Promise<void> {
  const { plan } = options;
  for (const { project, before, after, files } of plan.projects) {
    const signed = plan.claimed.get(project)?.chain.files ?? plan.chain.rarelyUpdated.get(project);
    if (signed) await putSigned(db, options, project, signed);
    else if (after === 'unclaimed') {
      for (const { filename, before: was, after: will } of files) {
        const file = was === undefined && will !== undefined ? options.kept.get(filename) : undefined;
        if (file) await putKept(db, options, file);
      }
      // The bins of `unclaimed` do not hold what others answered for.
      if (before !== 'unclaimed' && before !== 'none') await queueAgain(db, options, project);
    }
  }
}

/** Exactly these are published of the project. What waits goes on waiting; so does what developers revoked. */
async function putSigned(
  db: Write,
  options: ApplyOptions,
  project: string,
  files: ReadonlyMap<string, Distribution>,
): Promise<void> {
  await db
    .updateTable('files')
    .set({ state: options.plan.claimed.get(project)?.chain.revoked === true ? 'staged' : 'deleted' })
    .where('project', '=', project)
    .where('state', 'in', ['published', 'queued', 'imported'])
    .execute();
  for (const file of files.values()) {
    const there = await db
      .selectFrom('files')
      .select('project')
      .where('filename', '=', file.filename)
      .executeTakeFirst();
    const row = { ...rowOf(file, options.present.file(file.filename)), state: 'published' as const };
    // Names of old sdists may be read as those of two projects; who has the name keeps it.
    if (there && there.project !== project) continue;
    if (!there) await ensureProject(db, options, project);
    const { filename: _, account: __, location: ___, ...said } = row;
    await db
      .insertInto('files')
      .values(row)
      .onConflict((conflict) => conflict.column('filename').doUpdateSet(said))
      .execute();
  }
}

/** As developers signed it; who brought it is only what the index says. */
function rowOf(file: Distribution, present: Row | undefined): Insertable<FilesTable> {
  const { version, kind } = parseFilenameOf(file.project, file.filename);
  const account = present?.['account'];
  return {
    filename: file.filename,
    project: file.project,
    bin: binNumber(projectBin(file.project)),
    version,
    kind,
    size: file.size,
    sha256: file.sha256,
    metadata_sha256: file.coreMetadata?.sha256 ?? null,
    metadata_size: file.coreMetadata?.size ?? null,
    requires_python: file.requiresPython ?? null,
    yanked: yankedText(file.yanked),
    uploaded_at: file.uploadTime.getTime(),
    account: typeof account === 'string' ? account : NOBODY,
    location: null,
    state: 'published',
  };
}

/** What the operators checked goes the way of an upload. */
async function putKept(db: Write, options: ApplyOptions, file: KeptFile): Promise<void> {
  const { project, filename, metadata } = file;
  await ensureProject(db, options, project, file);
  const row = {
    project,
    bin: binNumber(projectBin(project)),
    version: file.version,
    kind: file.kind,
    size: file.size,
    sha256: file.sha256,
    metadata_sha256: metadata ? hash('sha256', metadata) : null,
    metadata_size: metadata?.length ?? null,
    requires_python: file.requiresPython ?? null,
    yanked: null,
    uploaded_at: file.uploadedAt ?? options.now.getTime(),
    account: file.account ?? NOBODY,
    location: null,
    state: 'queued' as const,
  };
  await db
    .insertInto('files')
    .values({ filename, ...row })
    .onConflict((conflict) => conflict.column('filename').doUpdateSet(row))
    .execute();
  await queue(db, options, filename);
}

async function queueAgain(db: Write, options: ApplyOptions, project: string): Promise<void> {
  const rows = await db
    .updateTable('files')
    .set({ state: 'queued' })
    .where('project', '=', project)
    .where('state', '=', 'published')
    .returning('filename')
    .execute();
  for (const { filename } of rows) await queue(db, options, filename);
}

async function queue(db: Write, { now }: ApplyOptions, filename: string): Promise<void> {
  const change = { kind: 'add' as const, filename, reason: null, account: NOBODY, recorded_at: now.getTime() };
  await db
    .insertInto('changes')
    .values({ ...change, publication: null, transaction_id: null })
    .execute();
}

/** A project of which the good state knows nothing belongs to who brought its file, if the good state knows that account. */
async function ensureProject(db: Write, { now }: ApplyOptions, project: string, kept?: KeptFile): Promise<void> {
  const [name, created_at] = [project, now.getTime()];
  const made = await db
    .insertInto('projects')
    .values({ name, display_name: kept?.displayName ?? name, created_at, created_by: NOBODY, bytes: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .executeTakeFirst();
  if (!made || kept?.account === undefined) return;
  const known = await db.selectFrom('accounts').select('name').where('name', '=', kept.account).executeTakeFirst();
  if (known) await db.insertInto('members').values({ project, account: known.name, added_at: created_at }).execute();
}
