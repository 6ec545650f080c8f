import {
  type BinTree,
  binPrefix,
  CLAIMED,
  CLOSED,
  modelOf,
  RARELY_UPDATED,
  readTree,
  type SecurityModel,
  type TreeKeys,
} from '@holdfast/trust';
import {
  type Metadata,
  parseRoot,
  parseTargets,
  type PublicKey,
  type Root,
  type RoleKeys,
  type Targets,
  verifySignatures,
} from '@holdfast/tuf';
import { ExportRefusedError } from '../errors.ts';
import { rootFingerprint } from '../fingerprint.ts';

/** The trees whose roles holders of offline keys sign. */
export type OfflineTop = typeof CLAIMED | typeof RARELY_UPDATED;

export interface SignedVersion {
  readonly version: number;
  readonly expires: Date;
}

/** A tree as it is published, every signature of it verified. */
export interface PresentTree {
  readonly keys: TreeKeys;
  readonly tree: BinTree;
  /** By role. */
  readonly versions: ReadonlyMap<string, SignedVersion>;
  /** Of `rarely-updated.closed`. */
  readonly closed: SignedVersion | undefined;
}

/** What the offline keys signed until now, and nothing that they did not sign. */
export interface Present {
  /** SHA-256 of the first root: what is on paper. */
  readonly fingerprint: string;
  readonly root: Metadata<Root>;
  readonly targets: Metadata<Targets>;
  readonly model: SecurityModel;
  readonly trees: ReadonlyMap<OfflineTop, PresentTree>;
}

/**
 * Verifies what is published, from the first root on. Expiry does not count: what expired is what has to be signed again.
 * @param roles `targets` and the roles of the offline trees, by name, and no others
 * @throws ExportRefusedError
 */
export async function verifyPresent(
  roots: readonly Uint8Array[],
  roles: ReadonlyMap<string, Uint8Array>,
): Promise<Present> {
  const root = await verifyRoots(roots);
  const targets = await checked('targets', async () => {
    const metadata = parseTargets(roles.get('targets') ?? new Uint8Array());
    await verifySignatures(metadata, root.signed.keys, holdersOf(root.signed, 'targets'), 'targets');
    return metadata;
  });
  const model = modelOf(targets.signed);
  if (!model) throw new ExportRefusedError('targets delegates to something else than the roles of a security model');
  const trees = new Map<OfflineTop, PresentTree>();
  for (const top of [CLAIMED, RARELY_UPDATED] as const) {
    const delegated = targets.signed.delegations?.roles.find(({ name }) => name === top);
    const own = new Map([...roles].filter(([role]) => treeOf(role) === top));
    if (!delegated && own.size > 0) throw new ExportRefusedError(`nothing leads to ${top}`);
    if (delegated) trees.set(top, await verifyTree(top, keysOf(delegated, targets.signed), own));
  }
  const others = [...roles.keys()].filter((role) => role !== 'targets' && treeOf(role) === undefined);
  if (others.length > 0) throw new ExportRefusedError(`it holds ${others[0]}, which offline keys do not sign`);
  return { fingerprint: rootFingerprint(roots[0] ?? new Uint8Array()), root, targets, model, trees };
}

/** The offline tree that a role is part of. */
export function treeOf(role: string): OfflineTop | undefined {
  if (role === CLOSED) return RARELY_UPDATED;
  return ([CLAIMED, RARELY_UPDATED] as const).find((top) => binPrefix(top, role) !== undefined);
}

async function verifyRoots(roots: readonly Uint8Array[]): Promise<Metadata<Root>> {
  let trusted: Metadata<Root> | undefined;
  for (const bytes of roots) {
    const next = await checked('root', async () => parseRoot(bytes));
    const version = (trusted?.signed.version ?? 0) + 1;
    if (next.signed.version !== version) throw new ExportRefusedError(`root version ${version} is missing`);
    for (const { signed } of trusted ? [trusted, next] : [next])
      await checked('root', () => verifySignatures(next, signed.keys, holdersOf(signed, 'root'), 'root'));
    trusted = next;
  }
  if (!trusted) throw new ExportRefusedError('it holds no root');
  return trusted;
}

function holdersOf(root: Root, role: 'root' | 'targets'): RoleKeys {
  const holders = root.roles.get(role);
  if (!holders) throw new ExportRefusedError(`root names nobody for ${role}`);
  return holders;
}

function keysOf({ keyids, threshold }: RoleKeys, { delegations }: Targets): TreeKeys {
  const keys = new Map<string, PublicKey>();
  for (const keyid of keyids) {
    const key = delegations?.keys.get(keyid);
    if (key) keys.set(keyid, key);
  }
  return { roleKeys: { keyids, threshold }, keys };
}

async function verifyTree(
  top: OfflineTop,
  keys: TreeKeys,
  roles: ReadonlyMap<string, Uint8Array>,
): Promise<PresentTree> {
  const signed = new Map<string, Targets>();
  for (const [role, bytes] of roles) {
    const metadata = await checked(role, async () => parseTargets(bytes));
    await checked(role, () => verifySignatures(metadata, keys.keys, keys.roleKeys, role));
    signed.set(role, metadata.signed);
  }
  const closed = signed.get(CLOSED);
  if (closed && (closed.targets.size > 0 || closed.delegations)) throw new ExportRefusedError(`${CLOSED} is not empty`);
  if (top === RARELY_UPDATED && !closed) throw new ExportRefusedError(`${CLOSED} is missing`);
  const tree = await checked(top, async () => readTree(top, keys.roleKeys, (role) => signed.get(role)));
  const versions = new Map<string, SignedVersion>();
  for (const [role, { version, expires }] of signed) if (role !== CLOSED) versions.set(role, { version, expires });
  if (versions.size !== tree.roles.size) throw new ExportRefusedError(`nothing leads to some roles of ${top}`);
  return { keys, tree, versions, closed };
}

async function checked<T>(role: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    if (cause instanceof ExportRefusedError) throw cause;
    throw new ExportRefusedError(`${role}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
