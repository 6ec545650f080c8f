import type { JsonObject } from './json/value.ts';

/** Metadata as §4 of the specification describes it. Times are UTC, lengths bytes, hashes lower-case hex by algorithm. */

export interface PublicKey {
  /** An opaque string (TAP 12): never compared with the key, never counted towards a threshold. */
  readonly keyid: string;
  readonly keytype: string;
  readonly scheme: string;
  /** `keyval.public`: hex for ed25519, PEM otherwise; empty when the key's type has no such member. */
  readonly public: string;
  readonly json: JsonObject;
}

export interface RoleKeys {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

export type TopLevelRole = 'root' | 'timestamp' | 'snapshot' | 'targets';
export const TOP_LEVEL_ROLES: readonly TopLevelRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

export interface SignedCommon {
  readonly version: number;
  readonly specVersion: string;
  readonly expires: Date;
  /** Members of `signed` that the specification does not name. */
  readonly unrecognized: JsonObject;
}

export interface Root extends SignedCommon {
  readonly type: 'root';
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly roles: ReadonlyMap<TopLevelRole, RoleKeys>;
}

export interface MetaFile {
  readonly version: number;
  readonly length?: number;
  readonly hashes?: ReadonlyMap<string, string>;
}

export interface Timestamp extends SignedCommon {
  readonly type: 'timestamp';
  readonly snapshotMeta: MetaFile;
}

export interface Snapshot extends SignedCommon {
  readonly type: 'snapshot';
  /** By file name without version: `targets.json`, `bin-3f.json`. */
  readonly meta: ReadonlyMap<string, MetaFile>;
}

export interface TargetFile {
  readonly length: number;
  readonly hashes: ReadonlyMap<string, string>;
  readonly custom?: JsonObject;
}

/** Exactly one of `paths` and `pathHashPrefixes` is there. */
export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  readonly terminating: boolean;
  readonly paths?: readonly string[];
  readonly pathHashPrefixes?: readonly string[];
}

/** TAP 15: 2^bitLength bins named `<namePrefix>-<hex>`, each terminating. */
export interface SuccinctRoles extends RoleKeys {
  readonly bitLength: number;
  readonly namePrefix: string;
}

export interface Delegations {
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** In order of priority; empty when `succinct` is there. */
  readonly roles: readonly DelegatedRole[];
  readonly succinct?: SuccinctRoles;
}

export interface Targets extends SignedCommon {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations?: Delegations;
}

export interface Signature {
  readonly keyid: string;
  /** Hex; empty while a holder has not signed yet. */
  readonly sig: string;
}

export interface Metadata<T> {
  readonly signed: T;
  readonly signatures: readonly Signature[];
  /** The whole file, as received. */
  readonly bytes: Uint8Array;
  /** The part of `bytes` that is the value of `signed`. */
  readonly signedBytes: Uint8Array;
}
