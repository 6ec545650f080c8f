import { type ProjectName, normalizeName } from '@holdfast/python-index';
import { binRange, type ProjectDelegation, RECENTLY_CLAIMED } from '@holdfast/trust';
import { encodeJson, isJsonObject, type JsonValue, parseJson, type PublicKey } from '@holdfast/tuf';
import { type Kysely, type Selectable, sql } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import type { StandingsTable } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';
import { binNumber } from './file-rows.ts';

export type StandingRow = Selectable<StandingsTable>;

/** Keys as `standings` keeps them: canonical JSON, by keyid. */
export function keysText(keys: Iterable<PublicKey>): string {
  const listed = Array.from(keys, ({ keyid, json }): [string, JsonValue] => [keyid, json]);
  return new TextDecoder().decode(encodeJson(new Map(listed)));
}

/** The keys by keyid. @throws DamagedIndexError when the records hold something else */
export function keysOf(text: string): ReadonlyMap<string, PublicKey> {
  const listed = parseJson(new TextEncoder().encode(text));
  if (!isJsonObject(listed)) throw new DamagedIndexError('records', 'keys that are none');
  return new Map(Array.from(listed, ([keyid, json]) => [keyid, keyOf(keyid, json)]));
}

function keyOf(keyid: string, json: JsonValue): PublicKey {
  const keyval = isJsonObject(json) ? json.get('keyval') : undefined;
  const [keytype, scheme] = isJsonObject(json) ? [json.get('keytype'), json.get('scheme')] : [];
  const material = isJsonObject(keyval) ? keyval.get('public') : undefined;
  if (!isJsonObject(json) || typeof keytype !== 'string' || typeof scheme !== 'string')
    throw new DamagedIndexError('records', `the key ${keyid} is none`);
  return { keyid, keytype, scheme, public: typeof material === 'string' ? material : '', json };
}

/** What a leaf of `recently-claimed` says of the project. */
export function delegationOf(row: Pick<StandingRow, 'project' | 'role' | 'keys' | 'threshold'>): ProjectDelegation {
  const { role, keys, threshold } = row;
  if (role === null || keys === null || threshold === null)
    throw new DamagedIndexError('records', `nobody signs for ${row.project}, which is claimed`);
  return { project: normalizeName(row.project), role, keys: [...keysOf(keys).values()], threshold };
}

/**
 * Projects that stand in `recently-claimed` in the bins that begin with `prefix`, as they will once the offer that is being published is
 * in force, if there is one. At most `limit`, or a few more.
 */
export async function recentlyClaimedInRange(
  db: Kysely<Database>,
  prefix: string,
  limit?: number,
): Promise<Map<ProjectName, StandingRow>> {
  const { first, last } = binRange(prefix);
  const rows = [];
  for (const table of ['standings', 'offered_standings'] as const) {
    const found = await db
      .selectFrom(table)
      .selectAll()
      .where(sql<boolean>`bin between ${binNumber(first)} and ${binNumber(last)}`)
      .where('standing', '=', RECENTLY_CLAIMED)
      .$if(table === 'standings', (query) =>
        query.where(sql<boolean>`not exists (select 1 from offered_standings o where o.project = standings.project)`),
      )
      .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
      .execute();
    rows.push(...found);
  }
  return new Map(rows.map((row) => [normalizeName(row.project), { ...row, standing: RECENTLY_CLAIMED }]));
}

/** Where projects stand, in the records; those without a row are unclaimed. */
export async function standingsOf(
  db: Kysely<Database>,
  projects: Iterable<string>,
): Promise<ReadonlyMap<string, StandingRow>> {
  const names = [...new Set(projects)];
  if (names.length === 0) return new Map();
  const rows = await db.selectFrom('standings').selectAll().where('project', 'in', names).execute();
  return new Map(rows.map((row) => [row.project, row]));
}
