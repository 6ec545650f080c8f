import {
  type BinTree,
  CLAIMED,
  CLOSED,
  decodeTarget,
  type Distribution,
  type ProjectDelegation,
  RARELY_UPDATED,
  readTree,
} from '@holdfast/trust';
import { parseRoot, parseTargets, type PublicKey, type RoleKeys, type Targets, verifySignatures } from '@holdfast/tuf';
import { DamagedIndexError } from '../errors.ts';
import { type OfflineTop, offlineHolders } from '../publish/offer/verified-roles.ts';
import { type SignedRole, signedRole } from '../publish/sign-roles.ts';

/** Where metadata may be that was published: the index as it is, and a backup of it. Neither is believed. */
export interface Candidates {
  /** All that there are under this name. */
  kept(role: string): readonly Uint8Array[];
  root(version: number): readonly Uint8Array[];
  /** Names of all roles that are anywhere. */
  names(): Iterable<string>;
}

/** What the holders of the offline keys signed last, verified from a root that is known. */
export interface OfflineChain {
  /** From version 1 on. */
  readonly roots: readonly Uint8Array[];
  readonly targets: Targets;
  /** targets, and the roles of the offline trees. */
  readonly roles: ReadonlyMap<string, SignedRole>;
  readonly claimed: ReadonlyMap<string, ProjectDelegation>;
  /** The files of each project that is rarely updated. */
  readonly rarelyUpdated: ReadonlyMap<string, ReadonlyMap<string, Distribution>>;
}

/**
 * Follows the chain of roots from `roots` on, which are believed, and takes of every role below it the newest version that verifies (TUF
 * 1.0.34 §5.3.4, §5.6.3): expiry does not count, since what expired is signed anew.
 * @throws DamagedIndexError when nothing that verifies is left of targets or of a role of the offline trees
 */
export async function readOfflineChain(roots: readonly Uint8Array[], from: Candidates): Promise<OfflineChain> {
  const all = await followRoots(roots, from);
  const root = parseRoot(all.at(-1) ?? new Uint8Array()).signed;
  const holders = root.roles.get('targets');
  if (!holders) throw new DamagedIndexError('root', 'it names no keys for targets');
  const targets = await newest('targets', from.kept('targets'), root.keys, holders);
  const signed = parseTargets(targets.bytes ?? new Uint8Array()).signed;
  const roles = new Map([['targets', targets]]);
  const trees = new Map<OfflineTop, BinTree>();
  for (const [top, held] of offlineHolders(signed).holders)
    trees.set(top, await offlineTree(top, held, signed.delegations?.keys ?? new Map(), from, roles));
  const rarelyUpdated = new Map<string, Map<string, Distribution>>();
  for (const [path, file] of trees.get(RARELY_UPDATED)?.targets ?? []) {
    const said = decodeTarget(path, file);
    const own = rarelyUpdated.get(said.project) ?? new Map<string, Distribution>();
    rarelyUpdated.set(said.project, own.set(said.filename, said));
  }
  return { roots: all, targets: signed, roles, claimed: trees.get(CLAIMED)?.projects ?? new Map(), rarelyUpdated };
}

async function followRoots(roots: readonly Uint8Array[], from: Candidates): Promise<readonly Uint8Array[]> {
  const all = [...roots];
  for (;;) {
    const last = parseRoot(all.at(-1) ?? new Uint8Array()).signed;
    const next = await firstOf(from.root(all.length + 1), async (bytes) => {
      const root = parseRoot(bytes);
      if (root.signed.version !== all.length + 1) throw new RangeError('it has another version');
      for (const { keys, roles } of [last, root.signed])
        await verifySignatures(root, keys, roles.get('root') ?? { keyids: [], threshold: 1 }, 'root');
    });
    if (!next) return all;
    all.push(next);
  }
}

async function firstOf(
  some: readonly Uint8Array[],
  check: (bytes: Uint8Array) => Promise<void>,
): Promise<Uint8Array | undefined> {
  for (const bytes of some) {
    try {
      await check(bytes);
      return bytes;
    } catch {
      // Whatever is wrong with it: it is not believed.
    }
  }
  return undefined;
}

/** The newest of these that the keys signed; `undefined` when there is none. */
export async function newestSigned(
  role: string,
  candidates: readonly Uint8Array[],
  keys: ReadonlyMap<string, PublicKey>,
  holders: RoleKeys,
): Promise<SignedRole | undefined> {
  let best: SignedRole | undefined;
  for (const bytes of candidates) {
    await firstOf([bytes], async () => {
      const metadata = parseTargets(bytes);
      const { version, expires } = metadata.signed;
      if (best && version <= best.version) return;
      await verifySignatures(metadata, keys, holders, role);
      best = signedRole(role, version, expires, bytes);
    });
  }
  return best;
}

async function newest(
  role: string,
  candidates: readonly Uint8Array[],
  keys: ReadonlyMap<string, PublicKey>,
  holders: RoleKeys,
): Promise<SignedRole> {
  const found = await newestSigned(role, candidates, keys, holders);
  if (!found) throw new DamagedIndexError(role, 'nothing is left of it that the offline keys signed');
  return found;
}

/** What the top leads to, each role in its newest version: those of one signing belong together, and a branch names its children. */
async function offlineTree(
  top: OfflineTop,
  holders: RoleKeys,
  keys: ReadonlyMap<string, PublicKey>,
  from: Candidates,
  into: Map<string, SignedRole>,
): Promise<BinTree> {
  const found = new Map<string, SignedRole>();
  for (const role of from.names()) {
    if (role !== top && !role.startsWith(`${top}.`)) continue;
    const best = await newestSigned(role, from.kept(role), keys, holders);
    if (best) found.set(role, best);
  }
  const read = new Set<string>();
  const tree = readTree(top, holders, (role) => {
    read.add(role);
    const bytes = found.get(role)?.bytes;
    return bytes && parseTargets(bytes).signed;
  });
  if (top === RARELY_UPDATED) read.add(CLOSED);
  for (const role of read) {
    const signed = found.get(role);
    if (!signed) throw new DamagedIndexError(role, 'nothing is left of it that the offline keys signed');
    into.set(role, signed);
  }
  return tree;
}
