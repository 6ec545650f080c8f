import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '@holdfast/tuf/node';
import { InvalidInputError } from '../errors.ts';
import { hashHandle } from './hash-handle.ts';
import { sweepIncoming } from './sweep.ts';

/** A file of the store, open and verified. The holder closes it. */
export interface VerifiedFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
}

/** A file is not hashed again within this time if nothing about it changed; installers read wheels in many small ranges. */
const RECENTLY_MS = 5_000;

/**
 * Verified files by their SHA-256: `sha256/<2 hex>/<64 hex>`. A file appears under its name only when it is complete,
 * verified and on disk; it is verified again before each use, so that damage is noticed. Any number of processes may
 * share the directory: they write beside and rename, and the same name always means the same bytes.
 */
export class FileStore {
  readonly #directory: string;
  readonly #onDamage: (path: string) => void;
  readonly #verified = new Map<string, { identity: string; at: number }>();

  /** @param onDamage told the path of each file that was found damaged and removed */
  constructor(directory: string, onDamage: (path: string) => void = () => {}) {
    this.#directory = directory;
    this.#onDamage = onDamage;
  }

  /** Makes the directories and removes what a killed process left half-written. */
  async prepare(): Promise<void> {
    await mkdir(join(this.#directory, 'sha256'), { recursive: true, mode: 0o700 });
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    await sweepIncoming(this.#incoming);
  }

  get #incoming(): string {
    return join(this.#directory, 'incoming');
  }

  pathOf(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new InvalidInputError('hash', sha256, 'is not a SHA-256');
    return join(this.#directory, 'sha256', sha256.slice(0, 2), sha256);
  }

  /** Opens a file after verifying all of it. `undefined` when it is not here, or was damaged (and is now removed). */
  async open(sha256: string, size: number): Promise<VerifiedFile | undefined> {
    const path = this.pathOf(sha256);
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      if (await this.#isSound(handle, sha256, size)) return { path, handle, size };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    await rm(path, { force: true });
    this.#onDamage(path);
    return undefined;
  }

  /**
   * Takes a file in: `fill` writes into an empty file beside the store and must throw unless the content is verified.
   * @throws what `fill` throws; nothing is visible then
   */
  async add(sha256: string, fill: (into: FileHandle) => Promise<void>): Promise<string> {
    const path = this.pathOf(sha256);
    const temporary = join(this.#incoming, `${process.pid}-${randomBytes(12).toString('hex')}`);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await fill(handle);
      await handle.sync();
      this.#verified.set(sha256, { identity: await identityOf(handle), at: performance.now() });
      await handle.close();
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(temporary, path);
      await syncDirectory(dirname(path));
      return path;
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #isSound(handle: FileHandle, sha256: string, size: number): Promise<boolean> {
    const identity = await identityOf(handle);
    const last = this.#verified.get(sha256);
    if (last?.identity === identity && performance.now() - last.at < RECENTLY_MS) return true;
    if ((await handle.stat()).size !== size || (await hashHandle(handle, size)) !== sha256) {
      this.#verified.delete(sha256);
      return false;
    }
    this.#verified.set(sha256, { identity, at: performance.now() });
    return true;
  }
}

/** Changes whenever somebody writes to the file. Not its ctime, which a rename changes too. */
async function identityOf(handle: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs } = await handle.stat({ bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}
