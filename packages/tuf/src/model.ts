import type { JsonObject } from './json/value.ts';

// Metadata as §4 of the specification describes it. Times are UTC, lengths bytes, hashes lower-case hex by algorithm.

/** A public key as metadata lists it (§4.2). */
export interface PublicKey {
  /** An opaque string (TAP 12): never compared with the key, never counted towards a threshold. */
  readonly keyid: string;
  /** `ed25519`, `ecdsa`, `rsa`, …: free text until the key is used. */
  readonly keytype: string;
  /** How the key signs: `ed25519`, `ecdsa-sha2-nistp256`, `rsassa-pss-sha256`, … */
  readonly scheme: string;
  /** `keyval.public`: hex for ed25519, PEM otherwise; empty when the key's type has no such member. */
  readonly public: string;
  /** The whole key as listed, members that the specification does not name included. */
  readonly json: JsonObject;
}

/** Who signs a role: `threshold` different keys of those listed (§4.3). */
export interface RoleKeys {
  /** Names in the `keys` of the metadata that lists this. */
  readonly keyids: readonly string[];
  /** At least 1; counted by key material, not by keyid. */
  readonly threshold: number;
}

/** The roles that root itself appoints (§2.1). */
export type TopLevelRole = 'root' | 'timestamp' | 'snapshot' | 'targets';
/** All of them. */
export const TOP_LEVEL_ROLES: readonly TopLevelRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

/** What the signed part of every role has (§4.3). */
export interface SignedCommon {
  /** At least 1; grows with every change. */
  readonly version: number;
  /** The version of the specification that the writer followed: `1.0.34`. */
  readonly specVersion: string;
  /** UTC, to the second; from then on the metadata is not to be trusted. */
  readonly expires: Date;
  /** Members of `signed` that the specification does not name. */
  readonly unrecognized: JsonObject;
}

/** The signed part of root (§4.3). */
export interface Root extends SignedCommon {
  /** `_type`. */
  readonly type: 'root';
  /** Whether names of files carry versions and hashes (§6.2). */
  readonly consistentSnapshot: boolean;
  /** By keyid. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** All four are there. */
  readonly roles: ReadonlyMap<TopLevelRole, RoleKeys>;
}

/** What a timestamp or snapshot announces of another metadata file (§4.4). */
export interface MetaFile {
  /** The version that the file has. */
  readonly version: number;
  /** Bytes. */
  readonly length?: number;
  /** Lower-case hex by algorithm. */
  readonly hashes?: ReadonlyMap<string, string>;
}

/** The signed part of a timestamp (§4.6). */
export interface Timestamp extends SignedCommon {
  /** `_type`. */
  readonly type: 'timestamp';
  /** The current `snapshot.json`. */
  readonly snapshotMeta: MetaFile;
}

/** The signed part of a snapshot (§4.4). */
export interface Snapshot extends SignedCommon {
  /** `_type`. */
  readonly type: 'snapshot';
  /** By file name without version: `targets.json`, `bin-3f.json`. */
  readonly meta: ReadonlyMap<string, MetaFile>;
}

/** What targets metadata says of one file (§4.5). */
export interface TargetFile {
  /** Bytes. */
  readonly length: number;
  /** Lower-case hex by algorithm, such as `sha256`; algorithms not known here may be among them. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Whatever the signer wants to say of the file; the specification gives it no meaning. */
  readonly custom?: JsonObject;
}

/** At most one of `paths` and `pathHashPrefixes` is there; with neither, nothing is delegated (§4.5: both are optional). */
export interface DelegatedRole extends RoleKeys {
  /** Of the delegated role: free text. */
  readonly name: string;
  /** Whether the search ends here for the paths that it covers (§5.6.7.2.1). */
  readonly terminating: boolean;
  /** Patterns, see {@link PathPattern}. */
  readonly paths?: readonly string[];
  /** Starts of the lower-case hex SHA-256 of a target path. */
  readonly pathHashPrefixes?: readonly string[];
}

/** TAP 15: 2^bitLength bins named `<namePrefix>-<hex>`, each terminating. */
export interface SuccinctRoles extends RoleKeys {
  /** 1 to 32. */
  readonly bitLength: number;
  /** What the names of all bins begin with. */
  readonly namePrefix: string;
}

/** To whom targets metadata passes parts of its say (§4.5). */
export interface Delegations {
  /** By keyid, for all roles named here. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** In order of priority; empty when `succinct` is there. */
  readonly roles: readonly DelegatedRole[];
  /** Instead of `roles`. */
  readonly succinct?: SuccinctRoles;
}

/** The signed part of targets and of every delegated role (§4.5). */
export interface Targets extends SignedCommon {
  /** `_type`, which is the same for delegated roles. */
  readonly type: 'targets';
  /** By target path. */
  readonly targets: ReadonlyMap<string, TargetFile>;
  /** `undefined`: this role has no say but its own. */
  readonly delegations?: Delegations;
}

/** One entry of `signatures` (§4.2). */
export interface Signature {
  /** Whose it claims to be. */
  readonly keyid: string;
  /** Hex; empty while a holder has not signed yet. */
  readonly sig: string;
}

/** A metadata file as it was received, with its signed part as a model. Nothing is verified yet. */
export interface Metadata<T> {
  /** The model of `signed`. */
  readonly signed: T;
  /** In the order of the file; one for each keyid. */
  readonly signatures: readonly Signature[];
  /** The whole file, as received. */
  readonly bytes: Uint8Array;
  /** The part of `bytes` that is the value of `signed`. */
  readonly signedBytes: Uint8Array;
}
