import { snapshotTreeMember, UNCLAIMED } from '@holdfast/trust';
import { timestampJson } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { type Batch, loadBatch, type QueuedTransaction } from './batch.ts';
import { roleOf, type TreeRole } from './bin-roles.ts';
import type { FlatSnapshots } from './flat-snapshots.ts';
import { binExpiry, expiry, type Lifetimes } from './lifetimes.ts';
import type { AcceptedOffer } from './offline.ts';
import { type BinPlan, planBins } from './plan-bins.ts';
import type { Change } from './outcomes.ts';
import type { PublishedRole, RoleTable } from './role-table.ts';
import type { RootVersion } from './roots.ts';
import { type RoleToSign, signedRole, type SignedRole, signRoles } from './sign-roles.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { StandingRow } from './standing-rows.ts';
import { type OfferedMove, recentlyClaimedChange, unclaimedChange } from './tree-changes.ts';

/** Everything that one publication shows to the world, signed. Nothing of it changes any more. */
export interface Publication {
  /** The version of its timestamp. */
  readonly id: number;
  /** The version of the snapshot that its timestamp names. */
  readonly snapshot: number;
  /** The publication whose roles that snapshot lists. */
  readonly lists: number;
  /** A new root, which its holders signed. */
  readonly root?: RootVersion;
  /** Everything else that it puts into the object store: roles, the snapshot if it is new, and the timestamp. */
  readonly roles: readonly SignedRole[];
  /** Roles that leave the bin tree. */
  readonly retired: readonly string[];
  readonly changes: readonly Change[];
  /** What developers signed, published with it. */
  readonly transactions: readonly QueuedTransaction[];
  /** Standings that these change, as they are afterwards. */
  readonly standings: ReadonlyMap<string, StandingRow>;
  /** Projects whose files these changes touch. */
  readonly projects: ReadonlySet<string>;
}

export interface PrepareOptions {
  /** Sees every row that the changes name. */
  readonly db: Kysely<Database>;
  readonly table: RoleTable;
  readonly flat: Pick<FlatSnapshots, 'of'>;
  readonly keys: SigningKeys;
  readonly lifetimes: Lifetimes;
  readonly now: Date;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly changes: readonly Change[];
  /** Bin roles that are to be signed again because of their age. */
  readonly renewals: readonly string[];
  /** Of those who hold the offline keys. */
  readonly offer?: AcceptedOffer | undefined;
  /** Roles that are signed and in the object store already. */
  readonly prepared?: readonly PublishedRole[];
  /** Standings that an offer changes and whose leaves are not among the prepared ones. */
  readonly moves?: readonly OfferedMove[];
  /** Roles that leave with an offer. */
  readonly retired?: readonly string[];
  /** Projects whose files an offer touches. */
  readonly projects?: Iterable<string>;
}

/** Signs each role that the changes touch once, then the snapshot, then the timestamp (DESIGN §5). Writes nothing. */
export async function preparePublication(options: PrepareOptions): Promise<Publication> {
  const { db, table, keys, now, offer, prepared = [] } = options;
  const id = table.nextVersion('timestamp');
  const batch = await loadBatch(db, options.changes, now);
  const roles = broughtRoles(batch, offer);
  const plan = await planTrees(options, batch);
  for await (const role of signRoles(timed(options, plan.bins), keys)) roles.push(role);
  const retired = withoutNew(
    [...plan.retired, ...batch.transactions.flatMap((each) => each.retired), ...(options.retired ?? [])],
    [...roles, ...prepared],
  );
  const shown = [...roles, ...prepared];
  const tree = table.preview({ id, roles: shown, retired });
  const flat = await options.flat.of({ id, keys, now, tree, roles: shown, retired, forced: offer !== undefined });
  if (flat.made) roles.push(flat.made);
  roles.push(await signTimestamp(options, id, flat.role, tree));
  const { changes, transactions, standings, projects } = batch;
  const root = offer?.root;
  return {
    id,
    snapshot: flat.role.version,
    lists: flat.lists,
    ...(root && { root }),
    roles,
    retired,
    changes,
    transactions,
    standings,
    projects: new Set([...projects, ...(options.projects ?? [])]),
  };
}

/** What others signed: put as it is. */
function broughtRoles({ transactions }: Batch, offer: AcceptedOffer | undefined): SignedRole[] {
  const roles = transactions.flatMap((each) => each.roles);
  const targets = offer?.targets;
  if (!targets) return roles;
  return [...roles, signedRole('targets', targets.version, new Date(targets.expiresAt), targets.bytes)];
}

async function planTrees(options: PrepareOptions, batch: Batch): Promise<BinPlan> {
  const { db, keys, moves = [] } = options;
  const bins: TreeRole[] = [];
  const retired: string[] = [];
  for (const top of keys.tops) {
    const change = top === UNCLAIMED ? unclaimedChange : recentlyClaimedChange;
    const plan = await planBins(options, change({ db, moves, ...batch }));
    bins.push(...plan.bins);
    retired.push(...plan.retired);
  }
  return { bins, retired };
}

function* timed({ table, lifetimes, now, random }: PrepareOptions, bins: readonly TreeRole[]): Generator<RoleToSign> {
  for (const role of bins) {
    const version = table.nextVersion(roleOf(role));
    yield { ...role, version, expires: binExpiry(now, lifetimes.bins, random()) };
  }
}

/** Each once, and none that comes. */
function withoutNew(retired: readonly string[], coming: readonly PublishedRole[]): readonly string[] {
  const names = new Set(retired);
  for (const { role } of coming) names.delete(role);
  return [...names];
}

/** A new timestamp for the new snapshot, or for the one that is published, and for the tree. */
async function signTimestamp(
  { keys, lifetimes, now }: PrepareOptions,
  version: number,
  snapshot: PublishedRole,
  tree: string,
): Promise<SignedRole> {
  const expires = expiry(now, lifetimes.timestamp);
  const hashes = new Map([['sha256', snapshot.sha256]]);
  const meta = { version: snapshot.version, length: snapshot.length, hashes };
  const extra = snapshotTreeMember(tree);
  const bytes = await keys.sign('timestamp', timestampJson({ version, expires, snapshot: meta, extra }));
  return signedRole('timestamp', version, expires, bytes);
}
