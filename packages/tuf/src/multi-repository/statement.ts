import type { TargetInfo } from '../client/updater.ts';
import type { TufError } from '../errors.ts';

/** A repository that lists the target. */
export interface ListedStatement {
  /** Its name in the map. */
  readonly repository: string;
  /** What tells the statements apart. */
  readonly says: 'listed';
  /** What it says of the target. */
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
  /** How many repositories had to agree. */
  readonly threshold: number;
  /** Whether the search ended here. */
  readonly terminating: boolean;
  /** In the order of the mapping. */
  readonly statements: readonly RepositoryStatement[];
}
