import type { Distribution } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Database, FileChangeKind, FilesTable } from '../records/schema.ts';

export interface FileChange {
  readonly kind: FileChangeKind;
  readonly filename: string;
  /** For `yank`: the reason, or empty. */
  readonly reason: string | null;
}

/**
 * What becomes of a project's files when its developers list these: staged ones that are listed are published, published ones that are
 * not are deleted, and what is yanked is what they say.
 */
export async function fileChanges(
  db: Pick<Kysely<Database>, 'selectFrom'>,
  project: string,
  listed: ReadonlyMap<string, Distribution>,
): Promise<readonly FileChange[]> {
  const rows = await db
    .selectFrom('files')
    .select(['filename', 'state', 'yanked'])
    .where('project', '=', project)
    .where('state', 'in', ['published', 'staged'])
    .orderBy('filename')
    .execute();
  return rows.flatMap((row) => changesOf(row, listed.get(row.filename)));
}

function changesOf(
  { filename, state, yanked }: Pick<FilesTable, 'filename' | 'state' | 'yanked'>,
  listed: Distribution | undefined,
): FileChange[] {
  if (!listed) return state === 'published' ? [{ kind: 'delete', filename, reason: null }] : [];
  const changes: FileChange[] = state === 'staged' ? [{ kind: 'add', filename, reason: null }] : [];
  const reason = listed.yanked === undefined ? null : listed.yanked === true ? '' : listed.yanked;
  if (reason === yanked) return changes;
  return [...changes, { kind: reason === null ? 'unyank' : 'yank', filename, reason }];
}
