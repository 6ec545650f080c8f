import type { JsonObject } from '../json/value.ts';

/** For {@link MetadataFetcher.fetch}. */
export interface FetchOptions {
  /** Bytes. Reading stops there with a LengthMismatchError, and the body is cancelled. */
  readonly maxLength: number;
  /** Ends the transfer; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each piece how many bytes are there so far; falls when a transfer has to begin anew. */
  readonly onReceived?: ((received: number) => void) | undefined;
}

/** Where metadata comes from: usually an HTTP directory, relative to which `path` is resolved. */
export interface MetadataFetcher {
  /**
   * The bytes of one file, whole.
   * @param path percent-encoded, such as `2.root.json`
   * @throws NotFoundError when the repository says that it has no such file (HTTP 403, 404, 410)
   * @throws NetworkError when it could not be reached or did not answer properly
   * @throws LengthMismatchError
   */
  fetch(path: string, options: FetchOptions): Promise<Uint8Array>;
}

/** Keeps verified metadata between runs. Names are free text such as `timestamp.json`; several processes may share one. */
export interface MetadataStore {
  /** The bytes kept under a name; `undefined` if there are none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Readers, and a crash at any moment, find the old bytes or the new ones, never a part. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Fine if there is nothing. */
  remove(name: string): Promise<void>;
  /** Runs `fn` while no other process does so on the same store. */
  lock<T>(fn: () => Promise<T>): Promise<T>;
}

/**
 * Refuses by throwing a TufError what the specification alone would accept, before it counts or is kept: for members that only its
 * users understand.
 * @param name of the role, or of its rotate file: `django.rotate.1`
 * @param members of `signed` that the specification does not name
 */
export type MembersCheck = (name: string, members: JsonObject) => void;

/** Upper bounds in bytes, for metadata whose length no signed metadata announces and for what is announced, and for counts. */
export interface UpdaterLimits {
  /** For each version of root. */
  readonly rootBytes: number;
  /** For a timestamp. */
  readonly timestampBytes: number;
  /** For a snapshot whose length the timestamp does not announce. */
  readonly snapshotBytes: number;
  /** For targets and each delegated role whose length the snapshot does not announce. */
  readonly targetsBytes: number;
  /** For a snapshot or a role whose length is announced: what this client would keep in memory at most. */
  readonly announcedBytes: number;
  /** §5.3.3: new root versions followed in one refresh. */
  readonly rootRotations: number;
  /** §5.6.7: delegated roles visited in one search. */
  readonly delegations: number;
  /** TAP 8: rotate files followed for one role. */
  readonly keyRotations: number;
}

/** Enough for the largest public repositories. */
export const DEFAULT_LIMITS: UpdaterLimits = {
  rootBytes: 512_000,
  timestampBytes: 16_384,
  snapshotBytes: 8_000_000,
  targetsBytes: 32_000_000,
  announcedBytes: 128_000_000,
  rootRotations: 256,
  delegations: 32,
  keyRotations: 64,
};
