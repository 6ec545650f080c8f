import type { FeedChange } from '@holdfast/trust';
import { compareCodePoints } from '@holdfast/tuf';
import type { Records } from '../records/records.ts';

/** Rows that are read at once. */
const PAGE = 5_000;

/** Every role that is listed once these changes are published, by name, whether the records have them already or not. */
export async function* stateAfter(
  records: Records,
  changes: AsyncIterable<FeedChange> | Iterable<FeedChange>,
): AsyncGenerator<FeedChange, void> {
  const rows = listedRoles(records);
  let row = await rows.next();
  for await (const change of changes) {
    for (; row.done !== true && compareCodePoints(row.value.role, change.role) < 0; row = await rows.next())
      yield row.value;
    if (row.done !== true && row.value.role === change.role) row = await rows.next();
    if (change.entry) yield change;
  }
  for (; row.done !== true; row = await rows.next()) yield row.value;
}

async function* listedRoles(records: Records): AsyncGenerator<FeedChange, void> {
  for (let after = ''; ; ) {
    const rows = await records.read
      .selectFrom('roles')
      .select(['role', 'version', 'length', 'sha256'])
      .where('role', '>', after)
      .where('retired', '=', 0)
      .where('role', 'not in', ['timestamp', 'snapshot'])
      .orderBy('role')
      .limit(PAGE)
      .execute();
    for (const entry of rows) yield { role: entry.role, entry };
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.role;
  }
}
