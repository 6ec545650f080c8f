import { sql, type Transaction } from 'kysely';
import type { Database } from '../../records/schema.ts';

/** What an offer put into the records is in force: its publication, if this is it, is visible. */
export async function markOffered(db: Transaction<Database>, publication: number): Promise<void> {
  const mass = await db
    .selectFrom('mass_publications')
    .select('id')
    .where('publication', '=', publication)
    .executeTakeFirst();
  if (!mass) return;
  await sql`delete from claims_waiting where exists (select 1 from offered_standings o
    where o.project = claims_waiting.project and o.keys = claims_waiting.keys
      and o.threshold = claims_waiting.threshold and o.generation = claims_waiting.generation)`.execute(db);
  await sql`delete from standings where project in (
    select project from offered_standings where standing = 'unclaimed')`.execute(db);
  await sql`insert into standings
      (project, bin, standing, role, keys, threshold, rotations, generation, since, account, revoked_at)
    select project, bin, standing, role, keys, threshold, rotations, generation, since, account, revoked_at
    from offered_standings where standing <> 'unclaimed'
    on conflict (project) do update set standing = excluded.standing, role = excluded.role, keys = excluded.keys,
      threshold = excluded.threshold, rotations = excluded.rotations, generation = excluded.generation,
      since = excluded.since, account = excluded.account, revoked_at = excluded.revoked_at`.execute(db);
  await sql`insert into offline_roles (role, version, bytes)
    select role, version, bytes from offered_roles where bytes is not null
    on conflict (role) do update set version = excluded.version, bytes = excluded.bytes`.execute(db);
  await db.deleteFrom('offered_roles').execute();
  await db.deleteFrom('offered_standings').execute();
}
