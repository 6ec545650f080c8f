import { binPrefix, binRoleName, CLAIMED, CLOSED, RARELY_UPDATED, readBin } from '@holdfast/trust';
import { parseRoot, parseTargets, type PublicKey, type RoleKeys, verifySignatures } from '@holdfast/tuf';
import { DamagedIndexError } from '../errors.ts';
import { offlineHolders, type OfflineTop } from '../publish/offer/verified-roles.ts';
import { type SignedRole, signedRole } from '../publish/sign-roles.ts';
import type { Candidates } from './candidates.ts';

/** What the offline trees say, leaf by leaf. */
export type OfflineLeaf = Exclude<ReturnType<typeof readBin>, { readonly digits: string }>;

export interface OfflineVisitor {
  /** targets, and every role of the offline trees. */
  role(role: SignedRole): void;
  leaf(leaf: OfflineLeaf): Promise<void>;
}

/**
 * Follows the chain of roots from `roots` on, which are believed, and takes of every role below it the newest version that verifies (TUF
 * 1.0.34 §5.3.4, §5.6.3): expiry does not count, since what expired is signed anew. Those of one signing belong together, and a branch
 * names its children. All of `claimed` comes before `rarely-updated`. One role is in memory at a time.
 * @returns the chain of roots
 * @throws DamagedIndexError when nothing that verifies is left of targets or of a role of the offline trees
 */
export async function readOfflineChain(
  roots: readonly Uint8Array[],
  from: Candidates,
  visitor: OfflineVisitor,
): Promise<readonly Uint8Array[]> {
  const all = await followRoots(roots, from);
  const root = parseRoot(all.at(-1) ?? new Uint8Array()).signed;
  const holders = root.roles.get('targets');
  if (!holders) throw new DamagedIndexError('root', 'it names no keys for targets');
  const targets = await newest('targets', from, root.keys, holders);
  visitor.role(targets);
  const { signed } = parseTargets(targets.bytes);
  const keys = signed.delegations?.keys ?? new Map<string, PublicKey>();
  const held = offlineHolders(signed).holders;
  for (const top of [CLAIMED, RARELY_UPDATED] as const) {
    const keysOf = held.get(top);
    if (keysOf) await walkTree(top, { keys, holders: keysOf, from, visitor });
  }
  return all;
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
  some: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  check: (bytes: Uint8Array) => Promise<void>,
): Promise<Uint8Array | undefined> {
  for await (const bytes of some) {
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
  from: Candidates,
  keys: ReadonlyMap<string, PublicKey>,
  holders: RoleKeys,
): Promise<SignedRole | undefined> {
  let best: SignedRole | undefined;
  for await (const bytes of from.kept(role)) {
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
  from: Candidates,
  keys: ReadonlyMap<string, PublicKey>,
  holders: RoleKeys,
): Promise<SignedRole> {
  const found = await newestSigned(role, from, keys, holders);
  if (!found) throw new DamagedIndexError(role, 'nothing is left of it that the offline keys signed');
  return found;
}

interface Tree {
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly holders: RoleKeys;
  readonly from: Candidates;
  readonly visitor: OfflineVisitor;
}

async function walkTree(top: OfflineTop, { keys, holders, from, visitor }: Tree): Promise<void> {
  const pending: string[] = [top];
  for (let role = pending.pop(); role !== undefined; role = pending.pop()) {
    const found = await newest(role, from, keys, holders);
    visitor.role(found);
    const prefix = binPrefix(top, role) ?? '';
    const bin = readBin(top, prefix, parseTargets(found.bytes).signed, holders);
    if ('digits' in bin) pending.push(...Array.from(bin.digits, (digit) => binRoleName(top, prefix + digit)).reverse());
    else await visitor.leaf(bin);
  }
  if (top === RARELY_UPDATED) visitor.role(await newest(CLOSED, from, keys, holders));
}
