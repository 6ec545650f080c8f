import { DamagedIndexError, type IndexError, RecordsError, StorageFullError } from '../errors.ts';

/** What node:sqlite says about a failure, in a form that crosses threads. */
export interface SqliteFailure {
  readonly message: string;
  /** SQLite's extended result code; its low byte is the primary one (sqlite.org/rescode.html). */
  readonly errcode: number | undefined;
}

const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

export function sqliteFailure(error: unknown): SqliteFailure {
  // Not `instanceof Error`: what a thread died of arrives as a plain object.
  if (typeof error !== 'object' || error === null) return { message: String(error), errcode: undefined };
  const errcode = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
  const text = 'errstr' in error ? error.errstr : undefined;
  const message = error instanceof Error ? error.message : String(text);
  return { message, errcode };
}

/** The index's own error for a failure of SQLite. */
export function recordsError({ message, errcode }: SqliteFailure, cause?: unknown): IndexError {
  const options = { cause };
  switch ((errcode ?? 0) & 0xff) {
    case SQLITE_FULL:
      return new StorageFullError(options);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new DamagedIndexError('records', message, options);
    default:
      return new RecordsError(message, errcode, options);
  }
}
