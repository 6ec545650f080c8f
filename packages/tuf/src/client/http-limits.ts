/** How patient a transfer is. Times in milliseconds. */
export interface TransferLimits {
  /** Without a single byte: until the head of the answer, and between two pieces of its body. */
  readonly idleMs: number;
  /** For one file, all its attempts together. */
  readonly totalMs: number;
  /** Below this average over `rateWindowMs` a server is slow on purpose, or may as well be. */
  readonly minimumBytesPerSecond: number;
  /** Over how long the average is taken. */
  readonly rateWindowMs: number;
  /** Attempts in a row that bring nothing new, before the mirror is given up. */
  readonly attempts: number;
}

/** For metadata and other small files; a large target wants a longer `totalMs`. */
export const DEFAULT_TRANSFER_LIMITS: TransferLimits = {
  idleMs: 15_000,
  totalMs: 60_000,
  minimumBytesPerSecond: 1_000,
  rateWindowMs: 20_000,
  attempts: 3,
};
