import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { NoIndexError } from './errors.ts';
import { checkSqliteFile } from './records/sqlite-records.ts';

/**
 * Looks for damage in all records that are kept in the directory of an index, also while a process serves it: a start looks at all of small
 * files only. PostgreSQL has tools of its own.
 * @throws NoIndexError, DamagedIndexError
 * @returns false when the records are not kept there
 */
export async function checkRecords(directory: string): Promise<boolean> {
  const there = async (name: string): Promise<boolean> =>
    access(join(directory, name)).then(
      () => true,
      () => false,
    );
  if (!(await there('config.json'))) throw new NoIndexError(directory);
  if (!(await there('records.sqlite'))) return false;
  checkSqliteFile(join(directory, 'records.sqlite'));
  return true;
}
