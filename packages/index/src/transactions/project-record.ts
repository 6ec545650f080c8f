import type { ProjectName } from '@holdfast/python-index';
import { CLAIMED, projectBin, projectRole, type ProjectState, type Standing } from '@holdfast/trust';
import { parseTargets, type PublicKey } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { FileRow } from '../publish/file-rows.ts';
import { firstRootHash } from '../accounts/account-keys.ts';
import { keysOf, type StandingRow, standingsOf } from '../publish/standing-rows.ts';
import type { Database } from '../records/schema.ts';
import { loadProjectRoles } from './project-roles.ts';
import { roleToClaim } from './role-to-claim.ts';
import { type TransactionBase, versionsOf } from './unmoved.ts';

/** What the records say of a project: what a transaction of it is checked against. */
export interface ProjectRecord {
  readonly state: ProjectState;
  readonly base: TransactionBase;
  /** Published and staged, by name. */
  readonly files: ReadonlyMap<string, FileRow>;
}

/**
 * Reads a project. Something may change meanwhile: then the versions, which are read first, are not those that are published, and
 * whoever queues what was checked against this is told so.
 */
export async function loadProject(db: Kysely<Database>, project: ProjectName): Promise<ProjectRecord> {
  const versions = await versionsOf(db, project);
  const [standings, files, waits] = await Promise.all([
    standingsOf(db, [project]),
    filesOf(db, project),
    db.selectFrom('claims_waiting').select('generation').where('project', '=', project).executeTakeFirst(),
  ]);
  const standing = standings.get(project);
  // The role of a claim that waits for an offline signing is published already.
  const role =
    standing?.role ?? (waits ? projectRole(project, waits.generation) : await roleToClaim(db, project, versions));
  const roles = await loadProjectRoles(db, role);
  const state: ProjectState = {
    project,
    standing: standing?.standing ?? unsigned(files),
    index: await firstRootHash(db),
    role,
    keys: standing?.keys ? keysOf(standing.keys) : new Map<string, PublicKey>(),
    threshold: standing?.threshold ?? 1,
    rotations: standing?.rotations ?? 0,
    roles,
    revoked: standing !== undefined && standing.revoked_at !== null,
    formerKeys: standing ? await formerKeys(db, standing) : undefined,
    spentRotations: await rotationsOf(db, project),
    retired: new Map([...versions].filter(([name]) => !roles.has(name))),
  };
  return { state, base: { standing, versions }, files };
}

function unsigned(files: ReadonlyMap<string, FileRow>): Standing {
  return Array.from(files.values()).some(({ state }) => state === 'published') ? 'unclaimed' : 'none';
}

async function filesOf(db: Kysely<Database>, project: string): Promise<ReadonlyMap<string, FileRow>> {
  const rows = await db
    .selectFrom('files')
    .selectAll()
    .where('project', '=', project)
    .where('state', 'in', ['published', 'staged'])
    .orderBy('uploaded_at')
    .orderBy('filename')
    .execute();
  return new Map(rows.map((row) => [row.filename, row]));
}

/** Every rotate file that was taken. */
async function rotationsOf(db: Kysely<Database>, project: string): Promise<readonly Uint8Array[]> {
  const query = db.selectFrom('evidence').select('bytes').where('project', '=', project).where('kind', '=', 'rotation');
  return (await query.execute()).map(({ bytes }) => bytes);
}

/** What `claimed` delegates to, where rotate files have put other keys in its place. */
async function formerKeys(
  db: Kysely<Database>,
  { project, standing, role, rotations }: StandingRow,
): Promise<ReadonlyMap<string, PublicKey> | undefined> {
  if (standing !== CLAIMED || rotations === 0 || role === null) return undefined;
  const bin = projectBin(project as ProjectName);
  const leaves = Array.from(bin, (_, at) => `${CLAIMED}.${bin.slice(0, at + 1)}`);
  const rows = await db
    .selectFrom('offline_roles')
    .select('bytes')
    .where('role', 'in', [CLAIMED, ...leaves])
    .execute();
  for (const { bytes } of rows) {
    const { delegations } = parseTargets(bytes).signed;
    const keyids = delegations?.roles.find(({ name }) => name === role)?.keyids;
    if (keyids) return new Map(Array.from(delegations?.keys ?? []).filter(([keyid]) => keyids.includes(keyid)));
  }
  return undefined;
}
