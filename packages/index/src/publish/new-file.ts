import type { ProjectName } from '@holdfast/python-index';

/** A distribution that was received, checked and stored in the object store, and is now to be signed. */
export interface NewFile {
  readonly project: ProjectName;
  /** The project's name as its first uploader writes it; later ones do not change it. */
  readonly displayName: string;
  /** At most `MAX_FILENAME_LENGTH` characters. */
  readonly filename: string;
  /** As in the filename. */
  readonly version: string;
  readonly kind: 'wheel' | 'sdist';
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly coreMetadata?: { readonly sha256: string; readonly size: number } | undefined;
  readonly requiresPython?: string | undefined;
  readonly account: string;
  /** The project that the token is for. Such a token publishes for no other, and creates none. */
  readonly tokenProject?: ProjectName | undefined;
  readonly uploadTime: Date;
  /** The uploader wants it to wait, so that the project is claimed before anything of it is shown. */
  readonly stage?: boolean | undefined;
  /** Greatest sum of the sizes of a project's files, in bytes. */
  readonly limits: { readonly projectBytes: number };
}

/** Object names are `<sha256>.<filename>.metadata` in at most 255 bytes. */
export const MAX_FILENAME_LENGTH = 255 - 64 - '.'.length - '.metadata'.length;

/**
 * What a staged file waits for: that developers of its claimed project sign; that its project is claimed; or, where quiet projects
 * change at offline signings only, for the next one, or for the claim that takes effect with it.
 */
export type WaitsFor = 'signature' | 'claim' | 'offline-signing';

/** What became of a change. `published`: it is in signed metadata that everyone can fetch. In any case it survives power loss. */
export interface Published {
  /** `already-published`: the same bytes were there before, under this name. `staged`: nobody but the project's members sees it. */
  readonly outcome: 'published' | 'already-published' | 'staged';
  /** The version of the timestamp that everyone gets now: it leads to what is published. */
  readonly timestampVersion: number;
  /** Of a staged file. */
  readonly waitsFor?: WaitsFor;
}
