import type { ProjectName } from '@holdfast/python-index';
import type { Bulletin, Distribution, SecurityModel } from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';
import type { HolderRole, Holders, OfflineRole } from '../holders.ts';

/** How long what is signed now is good, and what is signed again though it says nothing new. */
export interface Term {
  readonly expires: Date;
  /** A role that expires before this is signed again. */
  readonly renewBefore: Date;
}

/** What the operators want, and when it was asked for: fixed in the file, so that every holder computes the same bytes. */
export interface SigningOrder {
  readonly now: Date;
  /** Version of the timestamp that the index had. */
  readonly publication: number;
  readonly model: SecurityModel;
  /** Whole lists for the roles whose holders change; the others keep theirs. */
  readonly holders: ReadonlyMap<HolderRole, Holders>;
  readonly terms: ReadonlyMap<OfflineRole, Term>;
  /** For all users; `null` takes the present one away, `undefined` leaves it. */
  readonly bulletin: Bulletin | null | undefined;
}

/** Something that happened to the keys of a project, as the index recorded it. */
export type KeyEvent =
  | { readonly kind: 'claim'; readonly at: Date; readonly keys: readonly PublicKey[]; readonly threshold: number }
  /** A rotate file (TAP 8), or a revocation (TAP 20). */
  | { readonly kind: 'rotation' | 'revocation'; readonly at: Date; readonly bytes: Uint8Array };

/** A project that its developers claimed, and that no offline key stands for yet. */
export interface Claim {
  readonly project: ProjectName;
  readonly role: string;
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
  /** Who claimed it, as the index says. */
  readonly account: string;
  readonly since: Date;
  /** Whether it is in force already, signed by the index alone. */
  readonly inForce: boolean;
  /** The published metadata of `role`. */
  readonly metadata: Uint8Array;
  /** Oldest first. */
  readonly events: readonly KeyEvent[];
  /** Published files, and when the first of them came, as the index says. */
  readonly files: number;
  readonly firstUpload: Date | undefined;
}

/** A claimed project whose developers changed its keys. */
export interface Rotated {
  readonly project: ProjectName;
  /** The published metadata of its role. */
  readonly metadata: Uint8Array;
  /** Rotate files, in order. */
  readonly rotations: readonly Uint8Array[];
}

/** A project that nobody claimed and whose files offline keys are to stand for. */
export interface Quiet {
  readonly project: ProjectName;
  /** All that it is to have, in the order of their names. */
  readonly files: readonly Distribution[];
  /** When the newest came, as the index says. */
  readonly lastUpload: Date;
}

/** What the holders agreed on. All sign the file that has it. */
export interface Decisions {
  /** Projects for which nothing changes now. */
  readonly exclude: ReadonlySet<ProjectName>;
  /** Projects whose new keys nobody vouches for, and that get them all the same. */
  readonly accept: ReadonlySet<ProjectName>;
}

/** One thing that an export says, in this order: order, roots, roles, retired ones, then projects, decisions last. */
export type ExportItem =
  | { readonly kind: 'order'; readonly order: SigningOrder }
  | { readonly kind: 'root'; readonly bytes: Uint8Array }
  | { readonly kind: 'role'; readonly role: string; readonly bytes: Uint8Array }
  /** A role that left its tree, with its last version. */
  | { readonly kind: 'retired'; readonly role: string; readonly version: number }
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'rotated'; readonly rotated: Rotated }
  | { readonly kind: 'quiet'; readonly quiet: Quiet }
  /** A project that is not rarely updated any more. */
  | { readonly kind: 'leave'; readonly project: ProjectName; readonly reason: string }
  | { readonly kind: 'decision'; readonly decision: 'exclude' | 'accept'; readonly project: ProjectName };
