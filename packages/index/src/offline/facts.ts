import type { ProjectName } from '@holdfast/python-index';
import type { Distribution } from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';

/** What an index tells the holders of its offline keys, as its records have it. Everything by project comes in the order of their names. */

/** Something that happened to the keys of a project. */
export type KeyEventFact =
  | { readonly kind: 'claim'; readonly at: Date; readonly keys: readonly PublicKey[]; readonly threshold: number }
  | { readonly kind: 'rotation' | 'revocation'; readonly at: Date; readonly bytes: Uint8Array };

/** A project that its developers claimed, and that no offline key stands for yet. */
export interface ClaimFact {
  readonly project: ProjectName;
  readonly role: string;
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
  readonly account: string;
  readonly since: Date;
  /** False: only an offline signing brings it into force. */
  readonly inForce: boolean;
  /** The published file of `role`. */
  readonly metadata: Uint8Array;
  readonly events: readonly KeyEventFact[];
  /** Published files, and when the first of them came. */
  readonly files: number;
  readonly firstUpload: Date | undefined;
}

/** A claimed project with rotate files that its offline delegation does not know. */
export interface RotatedFact {
  readonly project: ProjectName;
  readonly metadata: Uint8Array;
  readonly rotations: readonly Uint8Array[];
}

/** A project that nobody claimed, with all its files in the order of their names. */
export interface QuietFact {
  readonly project: ProjectName;
  readonly files: readonly Distribution[];
  readonly lastUpload: Date;
}

/** A project whose files offline keys stand for, and that has new ones. */
export interface LeavingFact {
  readonly project: ProjectName;
  readonly reason: string;
}

/** Which projects nobody claimed count as quiet: the operators' policy. */
export interface QuietPolicy {
  /** The newest file is older than this. */
  readonly before: Date;
  /** It has at least so many files. */
  readonly leastFiles: number;
  /** Only these, if there is a list. */
  readonly only?: ReadonlySet<string>;
}
