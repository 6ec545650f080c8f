import type { OpenIndex } from '../../src/index.ts';

const TABLES = [
  'accounts',
  'account_keys',
  'projects',
  'members',
  'files',
  'changes',
  'standings',
  'claims_waiting',
  'evidence',
  'transactions',
  'transaction_roles',
  'offline_roles',
] as const;

/** Everything that requests can change, as text: two of them are equal when nothing was changed in between. */
export async function recordsSnapshot({ records }: OpenIndex): Promise<string> {
  const tables = await Promise.all(
    TABLES.map(async (table) => {
      const rows = await records.read.selectFrom(table).selectAll().execute();
      return [table, rows.map((row) => JSON.stringify(row)).sort()] as const;
    }),
  );
  return JSON.stringify(tables);
}
