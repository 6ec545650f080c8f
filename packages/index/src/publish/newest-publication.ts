import type { Records } from '../records/records.ts';

/** The publication that everyone gets, and the one whose roles its flat snapshot lists; 0 before the first. */
export async function newestPublication({
  read,
}: Pick<Records, 'read'>): Promise<{ readonly id: number; readonly lists: number }> {
  const newest = await read
    .selectFrom('publications')
    .select(['id', 'lists'])
    .where('published_at', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest ?? { id: 0, lists: 0 };
}
