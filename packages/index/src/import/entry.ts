import type { ProjectName } from '@holdfast/python-index';

/** A file that an import brings, as far as it is known: what its signed metadata will say. */
export interface ImportEntry {
  readonly project: ProjectName;
  /** The project's name as the source writes it. */
  readonly displayName: string;
  readonly filename: string;
  /** As in the filename. */
  readonly version: string;
  readonly kind: 'wheel' | 'sdist';
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly requiresPython?: string | undefined;
  readonly uploadTime: Date;
  /** The reason for the yank, perhaps empty; `undefined` when not yanked. */
  readonly yanked?: string | undefined;
  readonly coreMetadata?: { readonly sha256: string; readonly size: number } | undefined;
  /**
   * Where the bytes are when they are not in the object store: an address, which goes before the filename when it ends in a
   * slash; empty when nobody knows. `undefined`: they are in the store.
   */
  readonly location?: string | undefined;
}

/** A file that is not imported, and why. */
export interface ImportProblem {
  /** The file, the project or the line that it is about, as the source has it. */
  readonly item: string;
  readonly reason: string;
}

/** What a source gives, in an order that is the same at every run. */
export interface SourceItem {
  readonly entry?: ImportEntry;
  readonly problem?: ImportProblem;
  /** A run that starts behind this item needs nothing before it. Absent where no run can start. */
  readonly cursor?: string;
}

export interface ImportSource {
  /** Names the source for a later run that continues. */
  readonly id: string;
  /** How much of it was read, from 0 to 1; `undefined` while nobody knows. */
  share(): number | undefined;
  /** @param cursor of the last item that was worked on; `undefined` for all */
  items(cursor: string | undefined): AsyncIterable<SourceItem> | Iterable<SourceItem>;
  /** Whether each item costs so much that a crash should lose few of them: bytes are fetched or looked into. */
  readonly costly: boolean;
}
