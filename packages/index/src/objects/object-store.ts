import type { Readable } from 'node:stream';

/**
 * Where distribution files and metadata are kept: immutable objects under keys such as `metadata/timestamp.json`.
 * Keys are `/`-separated paths; each part has 1 to 255 of `A-Z a-z 0-9 . _ + ! ~ -` and does not begin with a dot.
 * Every method throws `InvalidObjectKeyError` for another key, and `StorageFullError` when no space is left.
 */
export interface ObjectStore {
  /**
   * Stores an object; durable when it resolves, and never seen half-written. A `file` must come from `incoming()`; it is
   * moved in and gone afterwards, whatever the outcome. When a condition of the options does not hold, nothing changes:
   * `exists`.
   */
  put(key: string, source: Uint8Array | { readonly file: string }, options?: PutOptions): Promise<'stored' | 'exists'>;
  /** The same for bytes, for stores that know the tag of what they stored: it comes back, empty when it is not known. */
  putTagged?(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly tag: string } | 'exists'>;
  /** As `putMany()` of `put-many.ts`, for stores that have a faster way than one `put` after the other. */
  putMany?(objects: readonly ManyObject[]): Promise<void>;
  /** The bytes, or `undefined`. @throws ObjectTooLargeError beyond `maxLength` bytes, before reading. */
  get(key: string, options: { readonly maxLength: number }): Promise<Uint8Array | undefined>;
  /** The same, with the tag that {@link PutOptions.ifTag} takes. */
  read(key: string, options: { readonly maxLength: number }): Promise<TaggedObject | undefined>;
  /** For streaming. The caller closes it. */
  open(key: string): Promise<OpenObject | undefined>;
  /** Removes an object, durably; one that is not there is no error. */
  delete(key: string): Promise<void>;
  /** Keys that start with `prefix`, in no particular order. */
  list(prefix: string): AsyncIterable<string>;
  /** A place for a temporary file on the same file system. Nothing is there yet. Whatever is left is swept at start. */
  incoming(): Promise<IncomingFile>;
}

/** At most one of them. */
export interface ManyObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

export interface PutOptions {
  /** Only while there is no object, whatever its bytes. */
  readonly ifAbsent?: boolean;
  /** Only while the object is the one that was read with this tag. */
  readonly ifTag?: string;
}

export interface TaggedObject {
  readonly bytes: Uint8Array;
  /** Other bytes have another tag. */
  readonly tag: string;
}

export interface OpenObject {
  /** Bytes. */
  readonly size: number;
  /** As of {@link TaggedObject}, where it is known without reading. */
  readonly tag?: string | undefined;
  /** The bytes, or those from `start` to `end`, both inclusive. */
  stream(range?: { readonly start: number; readonly end: number }): Readable;
  close(): void;
}

export interface IncomingFile {
  readonly path: string;
  /** Removes the file if it is still there. */
  discard(): Promise<void>;
}
