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

/** A repository that says that there is no such target. */
export interface AbsentStatement {
  /** Its name in the map. */
  readonly repository: string;
  /** What tells the statements apart. */
  readonly says: 'absent';
}

/** A repository that could not be asked, or whose answer was refused. */
export interface FailedStatement {
  /** Its name in the map. */
  readonly repository: string;
  /** What tells the statements apart. */
  readonly says: 'failed';
  /** Why. */
  readonly error: TufError;
}

/** What one repository said about a target. One that failed has not said anything: it may well list the target. */
export type RepositoryStatement = ListedStatement | AbsentStatement | FailedStatement;

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
