import { minimumDelegations } from '@holdfast/trust';
import { rootJson, signMetadata, targetsJson } from '@holdfast/tuf';
import type { LocalSigner } from '@holdfast/tuf/node';

/** Seconds. */
const LIFETIME = 86_400 * 3_650;

export interface OfflineFacts {
  readonly version: number;
  /** Holds root and targets. */
  readonly offline: LocalSigner;
  /** Holds timestamp, snapshot and unclaimed. */
  readonly online: LocalSigner;
  /** Who signs; the offline key when nothing is said. */
  readonly signers?: readonly LocalSigner[];
  readonly expires?: Date;
}

const holds = ({ key }: LocalSigner) => ({ keyids: [key.keyid], threshold: 1 });
const farAway = (): Date => new Date(Math.floor(Date.now() / 1000 + LIFETIME) * 1000);

export function makeRoot({ version, offline, online, signers, expires }: OfflineFacts): Promise<Uint8Array> {
  const roles = { root: holds(offline), targets: holds(offline), snapshot: holds(online), timestamp: holds(online) };
  const keys = [offline.key, online.key];
  const signed = rootJson({ version, expires: expires ?? farAway(), consistentSnapshot: true, keys, roles });
  return signMetadata(signed, signers ?? [offline]);
}

export function makeTargets({ version, offline, online, signers, expires }: OfflineFacts): Promise<Uint8Array> {
  const delegations = { keys: new Map([[online.key.keyid, online.key]]), roles: minimumDelegations(holds(online)) };
  const signed = targetsJson({ version, expires: expires ?? farAway(), targets: new Map(), delegations });
  return signMetadata(signed, signers ?? [offline]);
}
