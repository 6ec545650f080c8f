import { DamagedIndexError, IndexError, RecordsError, StorageFullError } from '../errors.ts';

/** SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html). */
const DISK_FULL = '53100';
const DATA_CORRUPTED = 'XX001';
const INDEX_CORRUPTED = 'XX002';

/** Class 08, and a server that shuts down, crashed or starts; codes of Node for a connection that broke or never stood. */
const BROKEN = /^(08...|57P0[123]|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;

/** Whether the connection failed, and not the statement. */
export function isBrokenConnection(error: unknown): boolean {
  if (error instanceof RecordsError) return isBrokenConnection(error.cause);
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string') return BROKEN.test(error.code);
  return error.message.startsWith('Connection terminated');
}

/** Whether the server did not answer within the time that it was given. The client of PostgreSQL has no code for it. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** The index's own error for a failure of PostgreSQL, or of the connection to it. */
export function postgresError(error: unknown): IndexError {
  if (error instanceof IndexError) return error;
  const options = { cause: error };
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === DISK_FULL) return new StorageFullError(options);
  if (code === DATA_CORRUPTED || code === INDEX_CORRUPTED) return new DamagedIndexError('records', message, options);
  return new RecordsError(message, code, options);
}
