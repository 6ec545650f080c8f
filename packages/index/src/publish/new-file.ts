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
  /** Greatest sum of the sizes of a project's files, in bytes. */
  readonly limits: { readonly projectBytes: number };
}

/** Object names are `<sha256>.<filename>.metadata` in at most 255 bytes. */
export const MAX_FILENAME_LENGTH = 255 - 64 - '.'.length - '.metadata'.length;

/** What became of a change. It is in signed metadata that everyone can fetch, and survives power loss. */
export interface Published {
  /** `already-published`: the same bytes were there before, under this name. */
  readonly outcome: 'published' | 'already-published';
  /** The version of the timestamp that everyone gets now: a publication goes by it, and it leads to the change. */
  readonly timestampVersion: number;
}
