import { IndexError, ObjectStoreError, StorageFullError } from '../errors.ts';

/** What the index has to know of a failed request. */
interface S3Failure {
  /** The service's own name of it, such as `NoSuchKey`, or Node's code of a broken connection. */
  readonly reason: string;
  /** HTTP status; none when no answer came. */
  readonly status: number | undefined;
}

/** What the services call no space or no quota: RGW, MinIO, VersityGW. */
const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'NoSpaceLeftOnDevice', 'InsufficientStorage']);
/** Answers that another attempt may better; every 500, 502, 503 and 504 is one too. */
const PASSING = new Set(['ConditionalRequestConflict', 'OperationAborted', 'RequestTimeout', 'SlowDown']);

/** The index's own error for a failed request. It carries no part of the request: that holds a signature. */
export function objectStoreError(key: string, error: unknown): IndexError {
  if (error instanceof IndexError) return error;
  const { reason, status } = s3Failure(error);
  if (status === 507 || FULL.has(reason)) return new StorageFullError({ cause: error });
  return new ObjectStoreError(key, reason, status, { cause: error });
}

/** Whether the key names nothing. A bucket that is gone is a failure: it would look like an index without files. */
export function isAbsent(error: unknown): boolean {
  const { reason, status } = s3Failure(error);
  return status === 404 && reason !== 'NoSuchBucket';
}

/** Whether a condition of the request did not hold. */
export function isRefusedByCondition(error: unknown): boolean {
  return s3Failure(error).status === 412;
}

/** Whether the same request may succeed later. */
export function isPassing(error: unknown): boolean {
  const { reason, status } = s3Failure(error);
  if (error instanceof IndexError || FULL.has(reason)) return false;
  return status === undefined || [429, 500, 502, 503, 504].includes(status) || PASSING.has(reason);
}

function s3Failure(error: unknown): S3Failure {
  if (!(error instanceof Error)) return { reason: String(error), status: undefined };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  return typeof status === 'number' ? { reason: error.name, status } : { reason: code, status: undefined };
}
