import { open, rm } from 'node:fs/promises';
import { backup as copyDatabase, DatabaseSync } from 'node:sqlite';

/** A page after the other would begin anew whenever somebody publishes: all in one step. */
const ALL_PAGES = 2 ** 30;

/** Copies a records' file with what stands in its log, which the original keeps. Whatever was in the place of the copy goes. */
export async function copyRecordsFile(from: string, to: string): Promise<void> {
  await removeRecords(to);
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await copyDatabase(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
}

/** With the files that SQLite keeps beside it. */
export async function removeRecords(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(path + end, { force: true });
}

/** All of it in one file. */
export function settle(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('pragma journal_mode = delete');
  } finally {
    database.close();
  }
}

export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
