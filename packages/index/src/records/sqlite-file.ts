import { closeSync, openSync } from 'node:fs';
import { constants, DatabaseSync } from 'node:sqlite';
import { UnsafeSqliteError } from '../errors.ts';

/** How long a connection waits for another process's transaction, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** The write-ahead log is folded into the file at this size even when nobody pauses: 32 MiB in pages of 4 KiB. */
const LOG_PAGES = 8_192;

/**
 * Opens the records' file with everything that SQLite has against loss and against a hostile schema switched on.
 * @throws UnsafeSqliteError when this SQLite has the bug that corrupts a write-ahead log (sqlite.org/wal.html, 3.51.3)
 */
export function openSqliteFile(path: string, mode: 'read' | 'write'): DatabaseSync {
  if (mode === 'write') createPrivately(path);
  const database = new DatabaseSync(path, {
    readOnly: mode === 'read',
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
    allowExtension: false,
  });
  try {
    assertSafeVersion(String(database.prepare('select sqlite_version() as version').get()?.['version']));
    database.enableDefensive(true);
    database.exec('pragma trusted_schema = off');
    if (mode === 'write') {
      database.exec('pragma journal_mode = wal');
      database.exec('pragma synchronous = full');
      database.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`);
    }
    // SQLite opens any file that it is told to ATTACH, past Node's permission model.
    database.setAuthorizer((action) =>
      action === constants.SQLITE_ATTACH || action === constants.SQLITE_DETACH
        ? constants.SQLITE_DENY
        : constants.SQLITE_OK,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite gives its log and shared memory the mode of the file, so the file must have it from the beginning. */
function createPrivately(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

/** Exported for its test. */
export function assertSafeVersion(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const safe = major > 3 || (major === 3 && (minor > 51 || (minor === 51 && patch >= 3)));
  if (!safe) throw new UnsafeSqliteError(version);
}
