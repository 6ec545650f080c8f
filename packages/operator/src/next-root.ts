import {
  parseRoot,
  type PublicKey,
  type RoleKeys,
  rootJson,
  type Signer,
  signMetadata,
  type TopLevelRole,
} from '@holdfast/tuf';

/** What the next root changes. What is left out stays. */
export interface RootChanges {
  readonly expires: Date;
  /** New keys for roles: the whole list of a role, not an addition to it. */
  readonly roles?: Partial<Record<TopLevelRole, { readonly keys: readonly PublicKey[]; readonly threshold: number }>>;
}

/**
 * Root metadata of the next version. `signers` must reach the threshold of the previous root's keys and of its own
 * (TUF 1.0.34 §5.3.4); the index checks it on import, and every client again.
 * @throws FormatError when `previous` is not root metadata
 */
export async function nextRoot(
  previous: Uint8Array,
  changes: RootChanges,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const { signed } = parseRoot(previous);
  const keys = new Map<string, PublicKey>();
  const roleKeys = (role: TopLevelRole): RoleKeys => {
    const changed = changes.roles?.[role];
    const kept = signed.roles.get(role);
    const list = changed?.keys ?? (kept?.keyids ?? []).flatMap((keyid) => signed.keys.get(keyid) ?? []);
    for (const key of list) keys.set(key.keyid, key);
    return { keyids: list.map((key) => key.keyid), threshold: changed?.threshold ?? kept?.threshold ?? 1 };
  };
  const roles = {
    root: roleKeys('root'),
    timestamp: roleKeys('timestamp'),
    snapshot: roleKeys('snapshot'),
    targets: roleKeys('targets'),
  };
  return signMetadata(
    rootJson({
      version: signed.version + 1,
      expires: changes.expires,
      consistentSnapshot: true,
      keys: [...keys.values()],
      roles,
    }),
    signers,
  );
}
