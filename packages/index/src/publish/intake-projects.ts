import type { Transaction } from 'kysely';
import { ClaimedProjectError } from '../errors.ts';
import type { Standing } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';
import { bringersOf } from '../transactions/key-holders.ts';
import type { NewFile } from './new-file.ts';

/** What intake has to know of a project, and what it makes of it. */
export interface IntakeProject {
  bytes: number;
  /** Accounts that may bring any files. */
  readonly members: Set<string>;
  /** What others may bring, for the keys that they hold; undefined: nothing, or nobody else brings anything now. */
  mayBring?: ((account: string, filename: string) => boolean) | undefined;
  /** Who signs for it; undefined while that is the index. What is being published counts already. */
  readonly standing: Standing | undefined;
  /** An offline signing that is being published gives it back to the index, with the files that are staged. */
  readonly comesBack: boolean;
  /** The upload that creates it; none when it was there before. */
  readonly first?: NewFile;
}

/** The projects of these files that are there. */
export async function loadIntakeProjects(
  db: Transaction<Database>,
  files: readonly NewFile[],
): Promise<Map<string, IntakeProject>> {
  const names = [...new Set(files.map(({ project }) => project))];
  const [rows, members, standings] = await Promise.all([
    db.selectFrom('projects').select(['name', 'bytes']).where('name', 'in', names).execute(),
    db.selectFrom('members').select(['project', 'account']).where('project', 'in', names).execute(),
    standingsIn(db, names),
  ]);
  const projects = new Map<string, IntakeProject>(
    rows.map(({ name, bytes }) => {
      const standing = standings.get(name);
      const comesBack = standing === 'unclaimed';
      return [name, { bytes, members: new Set(), standing: comesBack ? undefined : standing, comesBack }];
    }),
  );
  for (const { project, account } of members) projects.get(project)?.members.add(account);
  await addHolders(db, files, projects);
  return projects;
}

/** Asked for those alone who are no members: hardly anybody. */
async function addHolders(
  db: Transaction<Database>,
  files: readonly NewFile[],
  projects: ReadonlyMap<string, IntakeProject>,
): Promise<void> {
  for (const { project: name, account } of files) {
    const project = projects.get(name);
    if (!project?.standing || project.mayBring || project.members.has(account)) continue;
    project.mayBring = await bringersOf(db, name);
  }
}

/** @throws ClaimedProjectError when others sign for the project, or are about to */
export async function assertSignedByIndex(db: Transaction<Database>, project: string): Promise<void> {
  const found = (await standingsIn(db, [project])).get(project);
  if (found === undefined || found === 'unclaimed') return;
  throw new ClaimedProjectError(project, found === 'rarely-updated' ? 'rarely-updated' : 'claimed');
}

/**
 * Of the projects that the index does not sign for alone. A claim that is being published counts, and so does an offline signing: what is
 * taken in now is published after it, and has to be what is said of it now.
 */
async function standingsIn(
  db: Transaction<Database>,
  names: readonly string[],
): Promise<ReadonlyMap<string, Standing | 'unclaimed'>> {
  const [standings, offered, queued] = await Promise.all([
    standingsFrom(db, 'standings', names),
    standingsFrom(db, 'offered_standings', names),
    db
      .selectFrom('transactions')
      .select('project')
      .where('project', 'in', [...names])
      .where('state', '=', 'queued')
      .execute(),
  ]);
  const found = new Map<string, Standing | 'unclaimed'>(queued.map(({ project }) => [project, 'recently-claimed']));
  for (const { project, standing } of [...standings, ...offered]) found.set(project, standing);
  return found;
}

function standingsFrom(db: Transaction<Database>, table: 'standings' | 'offered_standings', names: readonly string[]) {
  return db
    .selectFrom(table)
    .select(['project', 'standing'])
    .where('project', 'in', [...names])
    .execute();
}
