import { binPrefix, CLAIMED, CLOSED, RARELY_UPDATED } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';

type Read = Kysely<Database>;

const PAGE = 500;

/** Whether holders of offline keys sign a role that targets leads to; and targets itself. */
export function isOffline(role: string): boolean {
  if (role === 'targets' || role === CLOSED) return true;
  return binPrefix(CLAIMED, role) !== undefined || binPrefix(RARELY_UPDATED, role) !== undefined;
}

/** Every root that was published, from the first on. */
export async function readRoots(db: Read): Promise<readonly Uint8Array[]> {
  const rows = await db
    .selectFrom('roots')
    .innerJoin('publications', 'publications.id', 'roots.publication')
    .select('roots.bytes')
    .where('publications.published_at', 'is not', null)
    .orderBy('version')
    .execute();
  return rows.map(({ bytes }) => bytes);
}

/** What offline keys signed, as it is published, in the order of names. */
export async function* readOfflineRoles(
  db: Read,
): AsyncGenerator<{ readonly role: string; readonly bytes: Uint8Array }> {
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('offline_roles')
      .innerJoin('roles', 'roles.role', 'offline_roles.role')
      .select(['offline_roles.role', 'offline_roles.bytes'])
      .where('roles.retired', '=', 0)
      .where('offline_roles.role', '>', after)
      .where((where) =>
        where.or([
          where('offline_roles.role', '<', 'project.'),
          where.between('offline_roles.role', RARELY_UPDATED, `${RARELY_UPDATED}.g`),
          where('offline_roles.role', '=', 'targets'),
        ]),
      )
      .orderBy('offline_roles.role')
      .limit(PAGE)
      .execute();
    for (const row of rows) if (isOffline(row.role)) yield row;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.role;
  }
}

/** Roles of the offline trees that left, with their last versions. */
export async function readRetired(db: Read): Promise<readonly { readonly role: string; readonly version: number }[]> {
  const rows = await db
    .selectFrom('roles')
    .select(['role', 'version'])
    .where('retired', '=', 1)
    .where((where) =>
      where.or([
        where.between('role', CLAIMED, `${CLAIMED}.g`),
        where.between('role', RARELY_UPDATED, `${RARELY_UPDATED}.g`),
      ]),
    )
    .orderBy('role')
    .execute();
  return rows.filter(({ role }) => isOffline(role));
}
