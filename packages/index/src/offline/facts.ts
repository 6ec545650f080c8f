import type { ProjectName } from '@holdfast/python-index';

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
