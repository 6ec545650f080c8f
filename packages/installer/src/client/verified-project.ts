import type { ProjectName } from '@holdfast/python-index';
import type { Distribution, TargetPath } from '@holdfast/trust';

/** Who answers for a file: the last link of the chain of trust, and how one gets there. */
export interface Voucher {
  readonly index: string;
  /** Role names from `targets` down to the role that lists the file. */
  readonly chain: readonly string[];
  /** The keys whose signatures on that role were verified. */
  readonly keyids: readonly string[];
  /** Version and end of validity of that role. */
  readonly version: number;
  readonly expires: Date;
}

/** A distribution file that verified metadata lists. */
export interface VerifiedDistribution extends Distribution {
  readonly path: TargetPath;
  readonly voucher: Voucher;
}

/** A project as verified metadata has it: every file, and the timestamp under which it says so. */
export interface VerifiedProject {
  readonly index: string;
  readonly name: ProjectName;
  readonly files: readonly VerifiedDistribution[];
  /** Of the timestamp under which this was verified: it identifies a state of the index. */
  readonly timestampVersion: number;
}

/** How fresh the verified metadata is. */
export interface Freshness {
  /** No mirror could be reached: what is known and unexpired is used. */
  readonly offline: boolean;
  readonly rootVersion: number;
  readonly timestampVersion: number;
  readonly timestampExpires: Date;
  /** When the mirrors were last asked. */
  readonly checkedAt: Date;
}
