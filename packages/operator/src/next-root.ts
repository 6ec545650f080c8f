import { forIndex, identityOf } from '@holdfast/trust';
import {
  parseRoot,
  type PublicKey,
  RootEditor,
  type Signer,
  signMetadata,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
} from '@holdfast/tuf';
import { rootFingerprint } from './fingerprint.ts';

/** What the next root changes. What is left out stays. */
export interface RootChanges {
  readonly expires: Date;
  /** New keys for roles: the whole list of a role, not an addition to it. */
  readonly roles?: Partial<Record<TopLevelRole, { readonly keys: readonly PublicKey[]; readonly threshold: number }>>;
}

/**
 * Root metadata of the next version. `signers` must reach the threshold of the previous root's keys and of its own
 * (TUF 1.0.34 §5.3.4); the index checks it on import, and every client again.
 * @throws FormatError when `previous` is not root metadata, or a threshold is out of its keys' reach
 */
export async function nextRoot(
  previous: Uint8Array,
  changes: RootChanges,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const root = parseRoot(previous);
  const { signed, signedBytes } = root;
  const editor = new RootEditor(signedBytes);
  for (const role of TOP_LEVEL_ROLES) {
    const keySet = changes.roles?.[role];
    if (keySet !== undefined) editor.setKeys(role, keySet);
  }
  const json = editor.build(signed.version + 1, changes.expires);
  const index = identityOf(root, rootFingerprint(previous));
  return signMetadata(index === undefined ? json : forIndex(json, index), signers);
}
