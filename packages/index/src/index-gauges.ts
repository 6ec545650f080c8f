import { UNCLAIMED } from '@holdfast/trust';
import { type Kysely, sql } from 'kysely';
import type { Metrics } from './metrics.ts';
import type { OfflineExpiry } from './offline/expiry.ts';
import type { RoleTable } from './publish/role-table.ts';
import { IS_OURS } from './records/our-roles.ts';
import type { Records } from './records/records.ts';
import type { Database } from './records/schema.ts';

/** What the gauges look at when they are asked. */
export interface Observed {
  readonly records: Records;
  readonly table: RoleTable;
  readonly clock: () => Date;
  /** When the roles of offline keys expire. */
  readonly offline: () => Promise<readonly OfflineExpiry[]>;
  /** Whether this process signs, and under which term, where processes take turns. */
  readonly signer: () => { readonly leads: boolean; readonly term?: number };
}

/** More than this many waiting changes are not counted: the queue is long, and counting it would take long. */
const MOST_COUNTED = 10_000;
/** Bins that are looked at to tell how deep the tree is: leaves split by size, so those far apart tell of all. */
const SAMPLED_BINS = Array.from({ length: 256 }, (_, i) => `${i.toString(16).padStart(2, '0')}8000`);

/** Registers what an index can tell of its state. */
export function observeIndex(metrics: Metrics, observed: Observed): void {
  const { table, signer, records, clock } = observed;
  metrics.gauge('holdfast_roles', 'Roles that the snapshot tree lists', () => table.size);
  metrics.gauge('holdfast_tree_depth', 'Digits in the prefix of the longest of 256 bins across the tree', () =>
    Math.max(...SAMPLED_BINS.map((bin) => table.leafOf(UNCLAIMED, bin).length)),
  );
  metrics.gauge('holdfast_timestamp_version', 'Version of the timestamp that everyone can fetch', () =>
    table.version('timestamp'),
  );
  metrics.gauge('holdfast_leader', '1 in the process that signs, 0 in one that stands by', () =>
    Number(signer().leads),
  );
  metrics.gauge('holdfast_leader_term', 'Term of the leader that this process last heard of', () => signer().term);
  metrics.gauge(
    'holdfast_changes_waiting',
    `Changes that are recorded and not in signed metadata yet, counted up to ${MOST_COUNTED}`,
    async () => (await queue(records.read).executeTakeFirstOrThrow()).count,
  );
  metrics.gauge(
    'holdfast_oldest_change_waiting_seconds',
    'Since the oldest change that waits was recorded',
    async () => {
      const oldest = await first(records.read).executeTakeFirst();
      return oldest ? (clock().getTime() - oldest.recorded_at) / 1000 : 0;
    },
  );
  for (const [name, help, count] of [
    [
      'holdfast_files_staged',
      'Files that wait for developers to sign, for a claim, or for an offline signing',
      filesStaged,
    ],
    [
      'holdfast_transactions_waiting',
      'Project transactions that wait for signatures of other holders',
      transactionsWaiting,
    ],
    ['holdfast_claims_waiting', 'Claims that the next offline signing brings into force', claimsWaiting],
  ] as const) {
    metrics.gauge(name, `${help}, counted up to ${MOST_COUNTED}`, async () => {
      return (await count(records.read).executeTakeFirstOrThrow()).count;
    });
  }
  metrics.gauges(
    'holdfast_expires_in_seconds',
    'Until metadata that everyone can fetch expires; role="bins" is the bin that expires first',
    ['role'],
    () => expiries(observed),
  );
}

type Expiry = readonly [{ readonly role: string }, number | undefined];

/** Seconds until each role expires; `undefined` where there is none. */
export async function expiries({ table, records, clock, offline }: Observed): Promise<readonly Expiry[]> {
  const now = clock().getTime();
  const times: Record<string, number | undefined> = {
    timestamp: table.online('timestamp')?.expiresAt,
    snapshot: table.online('snapshot')?.expiresAt,
    bins: await soonestBin(records),
    ...Object.fromEntries((await offline()).map(({ role, expires }) => [role, expires.getTime()])),
  };
  return Object.entries(times).map(([role, at]) => [{ role }, at === undefined ? undefined : (at - now) / 1000]);
}

async function soonestBin(records: Records): Promise<number | undefined> {
  return (await soonest(records.read).executeTakeFirst())?.expires_at;
}

/** Along the index of expiry times: the cost does not follow the number of roles. Exported for its test. */
export function soonest(db: Kysely<Database>) {
  return db
    .selectFrom('roles')
    .select(['role', 'expires_at'])
    .where(({ lit, eb }) => eb('retired', '=', lit(0)))
    .where(IS_OURS)
    .orderBy('expires_at')
    .limit(1);
}

/** Along the index of what waits. Exported for its test. */
export function queue(db: Kysely<Database>) {
  const some = db.selectFrom('changes').select('id').where('publication', 'is', null).limit(MOST_COUNTED);
  return db.selectFrom(some.as('waiting')).select((eb) => eb.fn.countAll<number>().as('count'));
}

/** Along the index of what is staged. Exported for its test. */
export function filesStaged(db: Kysely<Database>) {
  const some = db.selectFrom('files').select('filename').where(sql<boolean>`state = 'staged'`).limit(MOST_COUNTED);
  return db.selectFrom(some.as('staged')).select((eb) => eb.fn.countAll<number>().as('count'));
}

/** Along the index of what is not published. Exported for its test. */
export function transactionsWaiting(db: Kysely<Database>) {
  const some = db
    .selectFrom('transactions')
    .select('project')
    .where(sql<boolean>`state <> 'published'`)
    .where('state', '=', 'waiting')
    .limit(MOST_COUNTED);
  return db.selectFrom(some.as('waiting')).select((eb) => eb.fn.countAll<number>().as('count'));
}

/** A table of nothing else. */
export function claimsWaiting(db: Kysely<Database>) {
  const some = db.selectFrom('claims_waiting').select('project').limit(MOST_COUNTED);
  return db.selectFrom(some.as('waiting')).select((eb) => eb.fn.countAll<number>().as('count'));
}

/** The change that has waited longest. Exported for its test. */
export function first(db: Kysely<Database>) {
  return db.selectFrom('changes').select('recorded_at').where('publication', 'is', null).orderBy('id').limit(1);
}
