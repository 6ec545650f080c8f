/** What one upload, and all uploads together, may cost. */
export interface UploadLimits {
  /** Bytes of one distribution file. */
  readonly fileBytes: number;
  /** Bytes of all files of a project together. */
  readonly projectBytes: number;
  /** Number of form fields besides the file. Classifiers and requirements come one field each. */
  readonly fields: number;
  /** Bytes of one form field; a description is the longest. */
  readonly fieldBytes: number;
  /** Bytes of all form fields together, with the framing between them. */
  readonly formBytes: number;
  /** Milliseconds without a byte after which an upload is given up. */
  readonly idleMs: number;
  /** Milliseconds that one upload may take from its first byte to its last. */
  readonly totalMs: number;
  /** Mean rate that an upload must keep once `graceMs` are over. */
  readonly minBytesPerSecond: number;
  /** Milliseconds before `minBytesPerSecond` counts. */
  readonly graceMs: number;
  /** Uploads that are received and checked at the same time. */
  readonly concurrent: number;
  /** Uploads that wait for their turn; more are asked to come again. */
  readonly waiting: number;
  /** Milliseconds that an upload waits for its turn. */
  readonly waitMs: number;
}

/** PyPI's sizes (100 MB a file, 10 GB a project), and times that a bad hotel network survives. */
export const DEFAULT_UPLOAD_LIMITS: UploadLimits = {
  fileBytes: 100 * 2 ** 20,
  projectBytes: 10 * 2 ** 30,
  fields: 2000,
  fieldBytes: 2 ** 20,
  formBytes: 4 * 2 ** 20,
  idleMs: 20_000,
  totalMs: 30 * 60_000,
  minBytesPerSecond: 4096,
  graceMs: 15_000,
  concurrent: 64,
  waiting: 256,
  waitMs: 30_000,
};
