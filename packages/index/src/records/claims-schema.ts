import type { Generated } from 'kysely';

/** Tables of what developers and operators sign. What each means is said in `migration-0008-claims.ts`. */

export interface AccountKeysTable {
  account: string;
  keyid: string;
  /** Canonical JSON. */
  key: string;
  label: string;
  added_at: number;
  /** Keyid; null for an account's first key. */
  vouched_by: string | null;
  removed_at: number | null;
}

/** Who answers for a project; one without a row is `unclaimed`. */
export type Standing = 'recently-claimed' | 'claimed' | 'rarely-updated';

export interface StandingsTable {
  project: string;
  /** As in `files`. */
  bin: number;
  standing: Standing;
  /** The role that its files are signed in, such as `project.django`; null for `rarely-updated`. */
  role: string | null;
  /** Who signs that role now, with all rotations: canonical JSON of the keys by keyid. */
  keys: string | null;
  threshold: number | null;
  /** Rotate files of the role. */
  rotations: number;
  /** Counts the names of the role from 1. */
  generation: number;
  since: number;
  account: string | null;
  revoked_at: number | null;
}

/** `unclaimed`: it loses its row. */
export type OfferedStandingsTable = Omit<StandingsTable, 'standing'> & { standing: Standing | 'unclaimed' };

export interface ClaimsWaitingTable {
  project: string;
  keys: string;
  threshold: number;
  account: string;
  recorded_at: number;
  generation: number;
}

export interface EvidenceTable {
  id: Generated<number>;
  project: string;
  at: number;
  kind: 'claim' | 'rotation' | 'revocation';
  bytes: Uint8Array;
}

export interface TransactionsTable {
  id: Generated<number>;
  project: string;
  account: string;
  recorded_at: number;
  /** JSON; null where it claims nothing. */
  claim: string | null;
  /** `waiting`: for more signatures. */
  state: 'waiting' | 'queued' | 'published';
  publication: number | null;
  /** From here on: as in `standings`, after it. Null while it waits. */
  role: string | null;
  keys: string | null;
  threshold: number | null;
  rotations: number | null;
  generation: number | null;
  /** 1: it revokes the role. */
  revoked: number | null;
}

export interface TransactionRolesTable {
  transaction_id: number;
  role: string;
  version: number;
  expires_at: number;
  sha256: string;
  length: number;
  bytes: Uint8Array;
  /** 1: it leaves the tree; then there are no bytes. */
  retired: Generated<number>;
}

export interface OfferedRolesTable {
  role: string;
  version: number;
  expires_at: number;
  sha256: string;
  length: number;
  /** Null for a role that leaves its tree. */
  bytes: Uint8Array | null;
}
