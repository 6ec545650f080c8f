import { execFile } from 'node:child_process';
import { link, open, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { occupied } from './put-many.ts';
import { hasCode } from './storage-failure.ts';

/** A file that is to be made: its bytes are written elsewhere on the file system first, so that nobody sees half of it. */
export interface FileToMake {
  readonly key: string;
  readonly path: string;
  readonly temporary: string;
  readonly bytes: Uint8Array;
}

const PARALLEL = 32;

/** Makes files, none durable yet. @throws DamagedIndexError when one is there */
export async function makeFiles(files: readonly FileToMake[]): Promise<void> {
  const queue = files.values();
  const work = async (): Promise<void> => {
    for (const { key, path, temporary, bytes } of queue) {
      try {
        await writeFile(temporary, bytes, { flag: 'wx' });
        await link(temporary, path); // Unlike rename, it never replaces.
      } catch (error) {
        throw hasCode(error, 'EEXIST') ? occupied(key) : error;
      } finally {
        await rm(temporary, { force: true });
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

const run = promisify(execFile);

/** Makes everything in the file system of this directory durable, in one go where the machine can. */
export async function syncFileSystem(directory: string, files: readonly FileToMake[]): Promise<void> {
  try {
    await run('sync', ['--file-system', directory]);
  } catch {
    // A system without GNU's sync, or one that refuses: file by file, then.
    await syncEach(files.map(({ path }) => path));
  }
}

/** Exported for its test. */
export async function syncEach(paths: readonly string[]): Promise<void> {
  const queue = paths.values();
  const work = async (): Promise<void> => {
    for (const path of queue) {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
