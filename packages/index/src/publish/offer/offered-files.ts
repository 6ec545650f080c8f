import { decodeTarget, type Distribution, RARELY_UPDATED, RECENTLY_CLAIMED, UNCLAIMED } from '@holdfast/trust';
import { parseTargets } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import { MetadataRefusedError } from '../../errors.ts';
import type { Database } from '../../records/schema.ts';
import { type FileChange, fileChanges } from '../../transactions/file-changes.ts';
import { loadProjectRoles } from '../../transactions/project-roles.ts';
import type { OfferedStanding } from './next-standing.ts';
import type { ProjectMove } from './project-moves.ts';

export type OfferedFileChange = FileChange;

/**
 * What an offer makes of a project's files: what a leaf of `rarely-updated` lists is published, a claim that comes into force brings
 * what its roles list. What waits for a project that goes back to the index is found when the offer begins to be published.
 * @throws MetadataRefusedError for files that are not there, and for published ones that nobody would find any more
 */
export async function offeredFileChanges(
  db: Kysely<Database>,
  { project, before, next }: ProjectMove,
  standing: OfferedStanding | undefined,
): Promise<readonly OfferedFileChange[]> {
  if (next?.standing === RARELY_UPDATED) {
    await checkThere(db, project, next.files);
    const changes = await fileChanges(db, project, next.files);
    // Operators may take a file of theirs away. What the index did while they signed they never saw.
    if (!before) checkSeen(project, changes);
    return changes;
  }
  if (!standing) return [];
  if (standing.standing === UNCLAIMED) return [];
  const comesIntoForce = before === undefined || before.standing === RARELY_UPDATED || before.revoked_at !== null;
  if (!comesIntoForce || (standing.standing === RECENTLY_CLAIMED && before?.standing === RECENTLY_CLAIMED)) return [];
  const listed = await listedFiles(db, standing.role ?? '');
  await checkThere(db, project, listed);
  return fileChanges(db, project, listed);
}

async function checkThere(
  db: Kysely<Database>,
  project: string,
  files: ReadonlyMap<string, Distribution>,
): Promise<void> {
  const rows = await db
    .selectFrom('files')
    .select(['filename', 'sha256', 'size'])
    .where('project', '=', project)
    .where('state', 'in', ['published', 'staged'])
    .execute();
  const there = new Map(rows.map((row) => [row.filename, row]));
  for (const { filename, sha256, size } of files.values()) {
    const row = there.get(filename);
    if (row?.sha256 !== sha256 || row.size !== size)
      throw new MetadataRefusedError(project, `the index has no such file ${filename}`);
  }
}

/** Whoever uploaded, or yanked, was told that it is published. */
function checkSeen(project: string, changes: readonly FileChange[]): void {
  for (const { kind, filename } of changes) {
    if (kind === 'add') continue;
    const what = kind === 'delete' ? 'came' : kind === 'yank' ? 'is not yanked any more, and was' : 'was yanked';
    throw new MetadataRefusedError(project, `${filename} ${what} in the meantime`);
  }
}

/** Every file that the published roles of a project list. */
async function listedFiles(db: Kysely<Database>, role: string): Promise<ReadonlyMap<string, Distribution>> {
  const files = new Map<string, Distribution>();
  for (const bytes of (await loadProjectRoles(db, role)).values())
    for (const [path, file] of parseTargets(bytes).signed.targets) {
      const said = decodeTarget(path, file);
      files.set(said.filename, said);
    }
  return files;
}
