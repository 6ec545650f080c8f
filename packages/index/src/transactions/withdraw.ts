import type { ProjectName } from '@holdfast/python-index';
import type { Identity } from '../accounts/accounts.ts';
import { partIn } from '../accounts/membership.ts';
import { NotYourProjectError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import { notWaiting, notYourTransaction } from './refusals.ts';
import { dropTransactions } from './waiting.ts';

/**
 * Takes away a transaction that waits for signatures. Members of the project may, and who brought it first; the files that it lists stay
 * staged.
 * @throws HttpError, NotYourProjectError
 */
export async function withdrawTransaction(
  records: Pick<Records, 'write'>,
  identity: Identity,
  project: ProjectName,
  id: number,
): Promise<void> {
  await records.write(async (db) => {
    const part = await partIn(db, identity, project);
    if (part !== 'member' && part !== 'key-holder') throw new NotYourProjectError(project, identity.account);
    const row = await db
      .selectFrom('transactions')
      .select('account')
      .where('id', '=', id)
      .where('project', '=', project)
      .where('state', '=', 'waiting')
      .executeTakeFirst();
    if (!row) throw notWaiting(project);
    if (part !== 'member' && row.account !== identity.account) throw notYourTransaction(project);
    await dropTransactions(db, [id]);
  });
}
