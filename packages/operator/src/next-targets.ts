import { UNCLAIMED } from '@holdfast/trust';
import { parseTargets, type PublicKey, type Signer, signMetadata, TargetsEditor } from '@holdfast/tuf';

/** What the next targets metadata says. */
export interface TargetsChanges {
  readonly expires: Date;
  /** The keys that sign `unclaimed` from now on, and how many of them must. */
  readonly online: { readonly keys: readonly PublicKey[]; readonly threshold: number };
}

/**
 * Targets metadata of the next version, for a new expiry or a new online key. `signers` must reach the threshold that root
 * sets for targets.
 * @throws FormatError when `previous` is not targets metadata that delegates to `unclaimed`
 */
export async function nextTargets(
  previous: Uint8Array,
  { expires, online }: TargetsChanges,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const { signed, signedBytes } = parseTargets(previous);
  const editor = new TargetsEditor(signedBytes);
  editor.setKeys(UNCLAIMED, online);
  return signMetadata(editor.build(signed.version + 1, expires), signers);
}
