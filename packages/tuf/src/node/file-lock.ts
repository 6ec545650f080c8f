import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { LockTimeoutError } from '../errors.ts';

/** For {@link withFileLock}. */
export interface LockOptions {
  /** How long to wait for another holder, in milliseconds; default 30 000. */
  readonly timeoutMs?: number;
  /** Ends the waiting, not what runs under the lock. */
  readonly signal?: AbortSignal;
}

/** SQLite's result code for "another connection holds a lock" (SQLITE_BUSY). */
const BUSY = 5;

/**
 * Runs `fn` while no other process, and nobody else in this one, runs under the same lock file.
 * The lock is an exclusive transaction on an empty SQLite file: the kernel releases it when the holder dies, however it
 * dies, so nothing stale can stay behind. Not re-entrant.
 * @throws LockTimeoutError
 */
export async function withFileLock<T>(path: string, fn: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { timeoutMs = 30_000, signal } = options;
  const deadline = performance.now() + timeoutMs;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Waiting inside SQLite would stop this process's event loop, and with it the holder if it is here.
    for (let delay = 1; !tryLock(database); delay = Math.min(delay * 2, 25)) {
      signal?.throwIfAborted();
      if (performance.now() >= deadline) throw new LockTimeoutError(path, timeoutMs);
      await wait(delay + Math.random() * delay, undefined, signal === undefined ? {} : { signal });
    }
    return await fn();
  } finally {
    database.close();
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === BUSY
  );
}
