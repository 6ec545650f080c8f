import type { ProjectName } from '@holdfast/python-index';
import type { Bulletin, ClaimFact, QuietFact, RotatedFact, SecurityModel } from '@holdfast/trust';
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
  | { readonly kind: 'claim'; readonly claim: ClaimFact }
  | { readonly kind: 'rotated'; readonly rotated: RotatedFact }
  | { readonly kind: 'quiet'; readonly quiet: QuietFact }
  /** A project that is not rarely updated any more. */
  | { readonly kind: 'leave'; readonly project: ProjectName; readonly reason: string }
  | { readonly kind: 'decision'; readonly decision: 'exclude' | 'accept'; readonly project: ProjectName };
