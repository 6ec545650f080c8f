import type { ProjectName } from '@holdfast/python-index';

/** Where the wheel of one sdist stands. `failed` with a next try is tried again; `differs`: another farm has another wheel of it. */
export type BuildStanding = 'building' | 'built' | 'waiting' | 'published' | 'failed' | 'differs';

export interface BuildRecord {
  /** SHA-256 of the sdist, lower-case hex. */
  readonly sdist: string;
  readonly project: ProjectName;
  readonly filename: string;
  readonly standing: BuildStanding;
  /** Builds that were begun. */
  readonly attempts: number;
  /** Of what went wrong last. */
  readonly code: string | undefined;
  readonly reason: string | undefined;
  /** The end of the build's log, or the table of a comparison. */
  readonly detail: string | undefined;
  /** The file with the log of a build that failed. */
  readonly log: string | undefined;
  readonly nextTry: Date | undefined;
  readonly updatedAt: Date;
  readonly wheel: { readonly filename: string; readonly sha256: string; readonly size: number } | undefined;
}
