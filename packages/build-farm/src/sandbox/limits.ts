/** What one build may take. */
export interface BuildLimits {
  /** Of the whole build, from start to end, in seconds; also of processor time of each process. */
  readonly seconds: number;
  /** Of data of each process (enforced by the kernel), and of all processes together (looked at several times a second). Bytes. */
  readonly memoryBytes: number;
  /** Everything that the build writes, which lies in memory: sources, its environment, results. Bytes. */
  readonly diskBytes: number;
  readonly processes: number;
  /** The wheel. Bytes. */
  readonly wheelBytes: number;
  /** What it says on the way. Bytes. */
  readonly logBytes: number;
}

const MiB = 1024 ** 2;

export const DEFAULT_BUILD_LIMITS: BuildLimits = {
  seconds: 30 * 60,
  memoryBytes: 4096 * MiB,
  diskBytes: 4096 * MiB,
  processes: 512,
  wheelBytes: 512 * MiB,
  logBytes: 64 * MiB,
};

export const OPEN_FILES = 4096;
