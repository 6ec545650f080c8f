import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoBackupError } from '../errors.ts';
import { readConfig } from '../open.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { openRecords } from '../stores.ts';
import { compareProject, isUnchanged, type ProjectComparison } from './compare.ts';
import { mergeProjects } from './merge-projects.ts';
import { readProjects } from './read-projects.ts';

/**
 * What became of each project since a backup, in the order of their names: those to which something happened, with all their files. Also
 * while the index is served; changes nothing. O(n) time; memory for a page and a project.
 * @throws NoIndexError, NoBackupError
 */
export async function* compareWithBackup(directory: string, backup: string): AsyncGenerator<ProjectComparison, void> {
  const { stores } = await readConfig(directory);
  // A backup stays as it is, also when it is older than this version.
  const copy = await mkdtemp(join(tmpdir(), 'holdfast-compare-'));
  try {
    const path = join(copy, 'records.sqlite');
    await cp(join(backup, 'records.sqlite'), path).catch((cause: unknown) => {
      throw new NoBackupError(backup, { cause });
    });
    const before = await SqliteRecords.open(path);
    const now = await openRecords(directory, stores);
    try {
      for await (const { project, states } of mergeProjects(readProjects(before.read), readProjects(now.read))) {
        const comparison = compareProject(project, states[0], states[1]);
        if (!isUnchanged(comparison)) yield comparison;
      }
    } finally {
      await now.close();
      await before.close();
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
