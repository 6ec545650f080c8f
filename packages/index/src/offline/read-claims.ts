import { type ProjectName, normalizeName } from '@holdfast/python-index';
import {
  CLAIMED,
  type ClaimFact,
  type KeyEventFact,
  projectRole,
  RECENTLY_CLAIMED,
  type RotatedFact,
  rotationRole,
} from '@holdfast/trust';
import { isJsonObject, parseJson } from '@holdfast/tuf';
import type { Kysely, Selectable } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import { keysOf } from '../publish/standing-rows.ts';
import type { ClaimsWaitingTable, EvidenceTable, StandingsTable } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';

type Read = Kysely<Database>;

/** Projects that are read together. */
const PAGE = 200;

/** Claims that no offline key stands for yet, in force or not. A revoked one is none. */
export async function* readClaims(db: Read): AsyncGenerator<ClaimFact> {
  for (let after = ''; ; ) {
    const names = await namesAfter(db, after);
    const last = names.at(-1);
    if (last === undefined) return;
    yield* await claimsOf(db, names);
    after = last;
  }
}

async function namesAfter(db: Read, after: string): Promise<string[]> {
  const rows = await db
    .selectFrom('standings')
    .select('project')
    .where('standing', '=', RECENTLY_CLAIMED)
    .where('revoked_at', 'is', null)
    .where('project', '>', after)
    .union(db.selectFrom('claims_waiting').select('project').where('project', '>', after))
    .orderBy('project')
    .limit(PAGE)
    .execute();
  return rows.map(({ project }) => project);
}

/** Read again when one of them changed meanwhile: its keys must be those that its history leads to. */
async function claimsOf(db: Read, names: readonly string[]): Promise<ClaimFact[]> {
  for (let before = await readRows(db, names); ; ) {
    const found = await factsOf(db, names, before);
    const after = await readRows(db, names);
    if (JSON.stringify(before) === JSON.stringify(after)) return found;
    before = after;
  }
}

interface Rows {
  readonly standings: readonly Selectable<StandingsTable>[];
  readonly waiting: readonly Selectable<ClaimsWaitingTable>[];
}

async function readRows(db: Read, names: readonly string[]): Promise<Rows> {
  const [standings, waiting] = await Promise.all([
    db.selectFrom('standings').selectAll().where('project', 'in', names).orderBy('project').execute(),
    db.selectFrom('claims_waiting').selectAll().where('project', 'in', names).orderBy('project').execute(),
  ]);
  return { standings, waiting };
}

type Claimed = Omit<ClaimFact, 'metadata' | 'events' | 'files' | 'firstUpload'>;

async function factsOf(db: Read, names: readonly string[], { standings, waiting }: Rows): Promise<ClaimFact[]> {
  const claimed: Claimed[] = [
    ...waiting.map((row) => fact(row, projectRole(normalizeName(row.project), row.generation), row.recorded_at, false)),
    ...standings
      .filter(({ standing, revoked_at }) => standing === RECENTLY_CLAIMED && revoked_at === null)
      .filter(({ project }) => !waiting.some((row) => row.project === project))
      .map((row) => fact(row, row.role ?? '', row.since, true)),
  ].sort((a, b) => (a.project < b.project ? -1 : 1));
  const roles = await rolesNamed(
    db,
    claimed.map(({ role }) => role),
  );
  const [events, files] = [await eventsOf(db, names), await filesOf(db, names)];
  return claimed.flatMap((one) => {
    const metadata = roles.get(one.role);
    if (!metadata) return []; // It is queued, and not published yet.
    const own = files.get(one.project);
    const firstUpload = own && new Date(own.first);
    return { ...one, metadata, events: events.get(one.project) ?? [], files: own?.count ?? 0, firstUpload };
  });
}

function fact(
  row: { project: string; keys: string | null; threshold: number | null; account: string | null },
  role: string,
  since: number,
  inForce: boolean,
): Claimed {
  const { keys, threshold, account } = row;
  if (keys === null || threshold === null) throw new DamagedIndexError('records', `nobody signs for ${row.project}`);
  const project: ProjectName = normalizeName(row.project);
  return {
    project,
    role,
    keys: [...keysOf(keys).values()],
    threshold,
    account: account ?? '',
    since: new Date(since),
    inForce,
  };
}

async function rolesNamed(db: Read, names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  if (names.length === 0) return new Map();
  const rows = await db.selectFrom('offline_roles').select(['role', 'bytes']).where('role', 'in', names).execute();
  return new Map(rows.map(({ role, bytes }) => [role, bytes]));
}

async function eventsOf(db: Read, names: readonly string[]): Promise<ReadonlyMap<string, KeyEventFact[]>> {
  const rows = await db.selectFrom('evidence').selectAll().where('project', 'in', names).orderBy('id').execute();
  const events = new Map<string, KeyEventFact[]>();
  for (const row of rows) events.set(row.project, [...(events.get(row.project) ?? []), eventOf(row)]);
  return events;
}

function eventOf({ kind, at, bytes }: Selectable<EvidenceTable>): KeyEventFact {
  if (kind !== 'claim') return { kind, at: new Date(at), bytes };
  const json = parseJson(bytes);
  const [keys, threshold] = isJsonObject(json) ? [json.get('keys'), json.get('threshold')] : [];
  if (!isJsonObject(keys) || typeof threshold !== 'number')
    throw new DamagedIndexError('records', 'a claim that is none');
  return { kind, at: new Date(at), keys: [...keysOf(textOf(bytes)).values()], threshold };
}

/** The keys of a claim, as `standings` keeps them. */
function textOf(claim: Uint8Array): string {
  const text = new TextDecoder().decode(claim);
  return text.slice('{"keys":'.length, text.lastIndexOf(',"threshold":'));
}

async function filesOf(
  db: Read,
  names: readonly string[],
): Promise<ReadonlyMap<string, { count: number; first: number }>> {
  const rows = await db
    .selectFrom('files')
    .select(['project', (eb) => eb.fn.countAll<number>().as('count'), (eb) => eb.fn.min('uploaded_at').as('first')])
    .where('project', 'in', names)
    .where('state', '=', 'published')
    .groupBy('project')
    .execute();
  return new Map(rows.map(({ project, count, first }) => [project, { count, first }]));
}

/** Claimed projects with rotate files that lead to keys: those of a revoked one lead nowhere. */
export async function* readRotated(db: Read): AsyncGenerator<RotatedFact> {
  const rows = await db
    .selectFrom('standings')
    .select(['project', 'role', 'rotations'])
    .where('standing', '=', CLAIMED)
    .where('rotations', '>', 0)
    .where('revoked_at', 'is', null)
    .orderBy('project')
    .execute();
  for (const { project, role, rotations } of rows) {
    if (role === null) continue;
    const wanted = Array.from({ length: rotations }, (_, at) => rotationRole(role, at + 1));
    const found = await rolesNamed(db, [role, ...wanted]);
    const metadata = found.get(role);
    const files = wanted.flatMap((name) => found.get(name) ?? []);
    if (!metadata || files.length < rotations) throw new DamagedIndexError('records', `they lack files of ${role}`);
    yield { project: normalizeName(project), metadata, rotations: files };
  }
}
