import type { MetaFile, Timestamp } from '../model.ts';

/** For {@link SnapshotProofs.request}. */
export interface ProofRequest {
  /** What the store holds under the name of a role, of any version; not verified anew. */
  readonly stored: (role: string) => Promise<Uint8Array | undefined>;
  /** Ends the transfer; its reason is thrown. */
  readonly signal: AbortSignal;
}

/** A part of a snapshot, proven, and what came with it. */
export interface ProvenPart {
  /**
   * As `meta` of a snapshot: by file name without version, `targets.json`. Of everything that a search for the subject can
   * touch, what is not in it is proven not to be listed; of each role in it, all its rotate files are in it too (TAP 8).
   */
  readonly meta: ReadonlyMap<string, MetaFile>;
  /** The proof by itself, to be kept for {@link SnapshotProofs.verify}. */
  readonly proof: Uint8Array;
  /**
   * Roles that came along or that {@link ProofRequest.stored} gave, by name, and rotate files by theirs without `.json`: they save
   * further requests.
   */
  readonly roles: ReadonlyMap<string, Uint8Array>;
}

/**
 * Another form of the snapshot, which a timestamp names beside `snapshot.json`: a root hash, under which parts are proven one
 * by one (TAP 16). How such a proof looks and where it comes from is the repository's matter; what it shows takes the place of
 * the snapshot, and every other check stays.
 */
export interface SnapshotProofs {
  /** The root that a verified timestamp names; `undefined`: only `snapshot.json`. */
  rootOf(timestamp: Timestamp): string | undefined;
  /**
   * One name for all searches that one proof answers.
   * @param path a target path or a directory, which ends in a slash
   * @returns `undefined` where no proof answers: then the snapshot has to
   */
  subjectOf(path: string): string | undefined;
  /**
   * Fetches and verifies the part for a subject.
   * @returns `undefined` when the repository offers no proofs, such as a mirror that has only files
   * @throws NotFoundError when it does not know this root any more (the timestamp is then fetched again), NetworkError
   */
  request(root: string, subject: string, options: ProofRequest): Promise<ProvenPart | undefined>;
  /** What a kept proof shows, as {@link ProvenPart.meta}; `undefined` when it does not hold under this root. */
  verify(root: string, subject: string, proof: Uint8Array): ReadonlyMap<string, MetaFile> | undefined;
}
