import type { ProjectName } from '@holdfast/python-index';
import type { PublicKey } from '@holdfast/tuf';
import type { Distribution } from '../target.ts';

/** Who answers for a project: a top of the role layout, or `none` for a project without any published file. */
export type Standing = 'none' | 'unclaimed' | 'recently-claimed' | 'claimed' | 'rarely-updated';

/** Keys of a project's own role, with those that a transaction puts in their place or claims it with. */
export interface KeysAndThreshold {
  /** By keyid, which follows from the key's content. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** How many of them have to sign. */
  readonly threshold: number;
}

/** What a project is before a transaction. */
export interface ProjectState extends KeysAndThreshold {
  readonly project: ProjectName;
  readonly standing: Standing;
  /** What names the index: lower-case hex SHA-256 of the first version of its root. */
  readonly index: string;
  /** The project's own role, while it is claimed; when it was revoked, the one that was. */
  readonly role?: string | undefined;
  /** Published rotate files of that role: its keys are those of the last one. */
  readonly rotations: number;
  /** The published metadata of that role and of what it delegates to, by role name. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  /** The role was revoked (TAP 20); only a claim goes on. */
  readonly revoked?: boolean | undefined;
  /**
   * Keys that the delegation still names although rotate files replaced them: clients that know no rotate files go on asking for
   * their signatures.
   */
  readonly formerKeys?: ReadonlyMap<string, PublicKey> | undefined;
  /**
   * Rotate files that were taken before. Under an online delegation they do not count on, so that an old one, which anybody may have kept,
   * would fit again once the keys are those that signed it.
   */
  readonly spentRotations?: readonly Uint8Array[] | undefined;
  /** Roles that are not delegated to any more, with the last version of each: whoever revives one goes on counting. */
  readonly retired?: ReadonlyMap<string, number> | undefined;
}

/** What developers send: all of it is published at once, or nothing. */
export interface ProjectTransaction {
  /** For a project that is not claimed, or whose role was revoked. */
  readonly claim?: KeysAndThreshold | undefined;
  /** The exact bytes of new versions, by role name. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  /** The exact bytes of a rotate file (TAP 8) of the project's own role. */
  readonly rotation?: Uint8Array | undefined;
}

/** What a role or a rotate file lacks. */
export interface WaitingFor {
  /** Keyids that have signed. */
  readonly signed: readonly string[];
  /** How many different keys have to. */
  readonly threshold: number;
}

/** A new version of a role. */
export interface CheckedRole {
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
  readonly bytes: Uint8Array;
}

/** A transaction that breaks no rule, and what the project is after it. */
export interface CheckedTransaction extends KeysAndThreshold {
  readonly claim: KeysAndThreshold | undefined;
  /** The project's own role from now on. */
  readonly role: string;
  /** Published rotate files of that role, with the one of this transaction if it is to be published. */
  readonly rotations: number;
  /**
   * The rotate file of this transaction. `entry` is how the snapshot lists it when it is to be published: while offline keys hold the
   * delegation, and for a revocation. Otherwise the delegation itself changes.
   */
  readonly rotation: { readonly bytes: Uint8Array; readonly entry: string | undefined } | undefined;
  readonly revoked: boolean;
  /** The project's own role first, others after those that delegate to them. */
  readonly roles: readonly CheckedRole[];
  /** Roles that were published and that nothing leads to any more. */
  readonly retired: readonly string[];
  /** By filename: every file that the project's roles list afterwards, as they say it. */
  readonly files: ReadonlyMap<string, Distribution>;
  /** What lacks signatures, by role name or entry of the rotate file; empty: the transaction is complete. */
  readonly waiting: ReadonlyMap<string, WaitingFor>;
}
