import type { ProjectName } from '@holdfast/python-index';
import type { PublicKey } from '@holdfast/tuf';
import type { Distribution } from './target.ts';

/** What an index tells the holders of its offline keys, as its records have it. Everything by project comes in the order of their names. */

/** Something that happened to the keys of a project. */
export type KeyEventFact =
  | { readonly kind: 'claim'; readonly at: Date; readonly keys: readonly PublicKey[]; readonly threshold: number }
  /** A rotate file (TAP 8), or a revocation (TAP 20). */
  | { readonly kind: 'rotation' | 'revocation'; readonly at: Date; readonly bytes: Uint8Array };

/** A project that its developers claimed, and that no offline key stands for yet. */
export interface ClaimFact {
  readonly project: ProjectName;
  readonly role: string;
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
  /** Who claimed it. */
  readonly account: string;
  readonly since: Date;
  /** Whether it is in force already, signed by the index alone: else an offline signing brings it into force. */
  readonly inForce: boolean;
  /** The published metadata of `role`. */
  readonly metadata: Uint8Array;
  /** Oldest first. */
  readonly events: readonly KeyEventFact[];
  /** Published files, and when the first of them came. */
  readonly files: number;
  readonly firstUpload: Date | undefined;
}

/** A claimed project whose developers changed its keys: it has rotate files that its offline delegation does not know. */
export interface RotatedFact {
  readonly project: ProjectName;
  /** The published metadata of its role. */
  readonly metadata: Uint8Array;
  /** Rotate files, in order. */
  readonly rotations: readonly Uint8Array[];
}

/** A project that nobody claimed, and whose files offline keys are to stand for. */
export interface QuietFact {
  readonly project: ProjectName;
  /** All its files, in the order of their names. */
  readonly files: readonly Distribution[];
  /** When the newest came. */
  readonly lastUpload: Date;
}
