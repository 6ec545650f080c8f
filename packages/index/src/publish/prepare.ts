import { snapshotTreeMember } from '@holdfast/trust';
import { timestampJson } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { type ChangedFile, roleOf } from './bin-roles.ts';
import type { FlatSnapshots } from './flat-snapshots.ts';
import { binExpiry, expiry, type Lifetimes } from './lifetimes.ts';
import type { AcceptedOffer } from './offline.ts';
import { planBins } from './plan-bins.ts';
import { type Change, outcomesOf } from './outcomes.ts';
import type { PublishedRole, RoleTable } from './role-table.ts';
import type { RootVersion } from './roots.ts';
import { signedRole, type SignedRole, signRoles } from './sign-roles.ts';
import type { SigningKeys } from './signing-keys.ts';

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
}

/** Signs each role that the changes touch once, then the snapshot, then the timestamp (DESIGN §5). Writes nothing. */
export async function preparePublication(options: PrepareOptions): Promise<Publication> {
  const { db, table, keys, lifetimes, now, changes, offer, prepared = [] } = options;
  const { root, targets } = offer ?? {};
  const id = table.nextVersion('timestamp');
  const files = await changedFiles(db, changes);
  const roles: SignedRole[] = targets
    ? [signedRole('targets', targets.version, new Date(targets.expiresAt), targets.bytes)]
    : [];
  const plan = await planBins(options, files);
  const { retired } = plan;
  const bins = plan.bins.map((bin) => ({
    bin,
    version: table.nextVersion(roleOf(bin)),
    expires: binExpiry(now, lifetimes.bins, options.random()),
  }));
  for await (const role of signRoles(bins, keys)) roles.push(role);
  const tree = table.preview({ id, roles: [...roles, ...prepared], retired });

  const flat = await options.flat.of({
    id,
    keys,
    now,
    tree,
    roles: [...roles, ...prepared],
    retired,
    forced: offer !== undefined,
  });
  if (flat.made) roles.push(flat.made);
  roles.push(await signTimestamp(options, id, flat.role, tree));
  return {
    id,
    snapshot: flat.role.version,
    lists: flat.lists,
    ...(root && { root }),
    roles,
    retired,
    changes,
    projects: new Set(files.map(({ row }) => row.project)),
  };
}

async function changedFiles(db: Kysely<Database>, changes: readonly Change[]): Promise<ChangedFile[]> {
  const outcomes = outcomesOf(changes);
  if (outcomes.size === 0) return [];
  const rows = await db
    .selectFrom('files')
    .selectAll()
    .where('filename', 'in', [...outcomes.keys()])
    .execute();
  return rows.flatMap((row) => {
    const outcome = outcomes.get(row.filename);
    return outcome ? [{ row, outcome }] : [];
  });
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
