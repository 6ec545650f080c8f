/** How patient a request is. All times in milliseconds. */
export interface FetchLimits {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Without a single byte: for the response's head, and between two pieces of its body. */
  readonly idleMs: number;
  /** For a whole metadata file. Distribution files are bounded by `minimumBytesPerSecond` instead. */
  readonly metadataMs: number;
  /** Below this average over `rateWindowMs` a server is retrieving slowly on purpose, or may as well be (P20). */
  readonly minimumBytesPerSecond: number;
  readonly rateWindowMs: number;
  /** How often one request is repeated at the same mirror when nothing usable came. */
  readonly retries: number;
}

export const DEFAULT_LIMITS: FetchLimits = {
  connectMs: 10_000,
  idleMs: 15_000,
  metadataMs: 60_000,
  minimumBytesPerSecond: 1_000,
  rateWindowMs: 20_000,
  retries: 2,
};
