import { StorageFullError } from '../errors.ts';

/** The error that a failed write throws on: `StorageFullError` when space or quota ran out, else what it was. */
export function storageFailure(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' ? new StorageFullError({ cause: error }) : error;
}

/** True for a file system error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
