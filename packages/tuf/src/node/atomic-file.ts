import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** For {@link writeFileAtomic}. */
export interface AtomicWriteOptions {
  /** Permission bits of the file; default 0o644 less the umask. */
  readonly mode?: number;
}

/** How the temporary names look that a killed process may leave behind. */
const TEMPORARY_NAME = /^\.[0-9a-f]{16}\.tmp$/;
/** A temporary file this old belongs to a process that died. Milliseconds. */
const ABANDONED_MS = 60 * 60 * 1000;

/** A name in `directory` for what is renamed once it is complete. */
export function temporaryPath(directory: string): string {
  return join(directory, `.${randomBytes(8).toString('hex')}.tmp`);
}

/** Removes what dead writers left behind in a directory. */
export async function sweepTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!TEMPORARY_NAME.test(name)) continue;
    const path = join(directory, name);
    const age = Date.now() - ((await stat(path).catch(absentAsUndefined))?.mtimeMs ?? Date.now());
    if (age > ABANDONED_MS) await unlink(path).catch(absentAsUndefined);
  }
}

/**
 * Writes a file so that a reader, or a crash at any moment, finds the old content or the new one, never a part:
 * written beside, forced to disk, renamed over, directory forced to disk. Durable when it resolves.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  options: AtomicWriteOptions = {},
): Promise<void> {
  await replaceFileAtomic(path, (handle) => writeAll(handle, content), options);
}

/** As {@link writeFileAtomic}, for content that is made while it is written; when `write` throws, nothing has changed. */
export async function replaceFileAtomic(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const directory = dirname(path);
  if (basename(path) === '') throw new RangeError('a file needs a name');
  const temporary = temporaryPath(directory);
  const handle = await open(temporary, 'wx', options.mode ?? 0o644);
  try {
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  await syncDirectory(directory);
}

async function writeAll(handle: FileHandle, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  if (content instanceof Uint8Array) return handle.writeFile(content);
  for await (const chunk of content) await handle.writeFile(chunk);
}

/** Makes a rename, creation or removal inside a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function absentAsUndefined(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
