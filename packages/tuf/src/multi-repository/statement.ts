import type { TargetInfo } from '../client/updater.ts';
import type { TufError } from '../errors.ts';

export interface ListedStatement {
  readonly repository: string;
  readonly says: 'listed';
  readonly info: TargetInfo;
}

/** What one repository said about a target. One that failed has not said anything: it may well list the target. */
export type RepositoryStatement =
  | ListedStatement
  | { readonly repository: string; readonly says: 'absent' }
  | { readonly repository: string; readonly says: 'failed'; readonly error: TufError };

/** One mapping of the map file that did not decide what the target is. */
export interface MappingOutcome {
  /** Its index in the map file. */
  readonly mapping: number;
  readonly threshold: number;
  readonly terminating: boolean;
  /** In the order of the mapping. */
  readonly statements: readonly RepositoryStatement[];
}
