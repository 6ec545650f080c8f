import { minimumDelegations } from '@holdfast/trust';
import { parseTargets, type PublicKey, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';

/** What the next targets metadata says. */
export interface TargetsChanges {
  readonly expires: Date;
  /** The keys that sign `unclaimed` from now on, and how many of them must. */
  readonly online: { readonly keys: readonly PublicKey[]; readonly threshold: number };
}

/**
 * Targets metadata of the next version, for a new expiry or a new online key. `signers` must reach the threshold that root
 * sets for targets.
 * @throws FormatError when `previous` is not targets metadata
 */
export async function nextTargets(
  previous: Uint8Array,
  { expires, online }: TargetsChanges,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  const { signed } = parseTargets(previous);
  const keyids = online.keys.map((key) => key.keyid);
  return signMetadata(
    targetsJson({
      version: signed.version + 1,
      expires,
      targets: new Map(),
      delegations: {
        keys: new Map(online.keys.map((key) => [key.keyid, key])),
        roles: minimumDelegations({ keyids, threshold: online.threshold }),
      },
    }),
    signers,
  );
}
