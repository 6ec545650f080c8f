import { TufError } from '@holdfast/tuf';

/** A signed target that does not say what a distribution file of its path must say. */
export class InvalidTargetError extends Error {
  readonly code = 'INVALID_TARGET';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`the signed entry for ${JSON.stringify(path)} is not a distribution of that project: ${reason}`, options);
    this.name = 'InvalidTargetError';
    this.path = path;
    this.reason = reason;
  }
}

/** A proof, or a whole snapshot tree, that does not show what it should. Nothing of it may be used. */
export class ProofError extends Error {
  readonly code = 'PROOF';
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`the proof of what the snapshot lists was refused: ${reason}`, options);
    this.name = 'ProofError';
    this.reason = reason;
  }
}

/**
 * What is wrong with a change feed:
 * - `gap`: something is missing that the timestamp promises; `fork`: it tells another history than the signed timestamp
 * - `misplaced`: another chunk than the one that was asked for; `disorder`: roles out of order, or twice
 * - `truncated`, `malformed`, `unknown-format`: not the encoding of a chunk; `too-large`: more than a feed may hold
 */
export type FeedFault =
  | 'gap'
  | 'fork'
  | 'misplaced'
  | 'disorder'
  | 'truncated'
  | 'malformed'
  | 'unknown-format'
  | 'too-large';

/** A change feed that does not lead to the signed timestamp. Nothing of it was used. */
export class FeedError extends Error {
  readonly code = 'FEED';
  readonly fault: FeedFault;
  /** What was being read, below the address of the index, such as `feed/0/17.0`. */
  readonly path: string;

  constructor(fault: FeedFault, path: string, options?: ErrorOptions) {
    super(`the change feed was refused at ${path}: ${fault}`, options);
    this.name = 'FeedError';
    this.fault = fault;
    this.path = path;
  }
}

/** A role of a bin tree that says what no such role may. Nothing of the tree may be used. */
export class BinTreeError extends Error {
  readonly code = 'BIN_TREE';
  readonly role: string;
  readonly reason: string;

  constructor(role: string, reason: string) {
    super(`the role ${role} was refused: ${reason}`);
    this.name = 'BinTreeError';
    this.role = role;
    this.reason = reason;
  }
}

/** Metadata whose signatures hold, but that was made for another index: its keys sign for both. */
export class OtherIndexError extends TufError {
  readonly code = 'OTHER_INDEX';
  /** The role, or its rotate file: `project.django.rotate.1`. */
  readonly role: string;
  /** The index that it names: what stands there, whatever it is. */
  readonly named: string;
  /** This index; `undefined` when the root that trust began with does not say. */
  readonly own: string | undefined;

  constructor(role: string, named: string, own: string | undefined) {
    super(`${role} was signed for the index ${named}, not for ${own ?? 'one whose identity is unknown'}`);
    this.role = role;
    this.named = named;
    this.own = own;
  }
}
