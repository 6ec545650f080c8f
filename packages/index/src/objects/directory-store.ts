import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ObjectTooLargeError } from '../errors.ts';
import { DirectorySync } from './directory-sync.ts';
import { FileMaker } from './file-maker.ts';
import { IncomingDirectory } from './incoming-directory.ts';
import { keyParts, listingStart } from './object-key.ts';
import type { IncomingFile, ManyObject, ObjectStore, OpenObject, PutOptions, TaggedObject } from './object-store.ts';
import { hasCode, storageFailure } from './storage-failure.ts';

/** Directories remembered as durable: some 10 MB of names. */
const MAX_DURABLE_DIRECTORIES = 50_000;

/** Larger reads than Node's default halve the cost of sending a big file. */
const READ_BYTES = 256 * 1024;

/**
 * Objects as files: the key is the path below `objects/`, so that any static web server, or rsync, can serve or copy the
 * store as it is. Keys spread by themselves: distribution files stand below 16^6 directories. Temporary files stand in
 * `incoming/` beside, on the same file system.
 */
export class DirectoryStore implements ObjectStore {
  readonly #objects: string;
  readonly #incoming: IncomingDirectory;
  readonly #syncs = new DirectorySync();
  readonly #maker = new FileMaker();
  /** Directories that are there, after a power loss too. Publishing puts most objects into the same few. */
  readonly #durable = new Set<string>();
  /** Directories that are being made and are not durable yet. */
  readonly #making = new Set<Promise<unknown>>();
  /** The last of the puts that compare first: this process is the only one that writes here, so a line is enough. */
  #comparing: Promise<unknown> = Promise.resolve();

  private constructor(objects: string, incoming: IncomingDirectory) {
    this.#objects = objects;
    this.#incoming = incoming;
  }

  /** Opens the store in `directory`, making it when it is not there. Removes what an earlier process left half-written. */
  static async open(directory: string): Promise<DirectoryStore> {
    await mkdir(join(directory, 'objects'), { recursive: true });
    const incoming = await IncomingDirectory.open(join(directory, 'incoming'));
    const store = new DirectoryStore(join(directory, 'objects'), incoming);
    await store.#syncs.sync(directory);
    return store;
  }

  async put(
    key: string,
    source: Uint8Array | { readonly file: string },
    { ifTag, ...options }: PutOptions = {},
  ): Promise<'stored' | 'exists'> {
    if (ifTag === undefined) return this.#put(key, source, options);
    const done = this.#comparing.then(async () => {
      const current = await this.read(key, { maxLength: Number.MAX_SAFE_INTEGER });
      if (current?.tag === ifTag) return this.#put(key, source, {});
      if ('file' in source) await rm(source.file, { force: true });
      return 'exists';
    });
    this.#comparing = done.catch(() => undefined);
    return done;
  }

  async #put(
    key: string,
    source: Uint8Array | { readonly file: string },
    options: { readonly ifAbsent?: boolean },
  ): Promise<'stored' | 'exists'> {
    const path = this.#path(key);
    const file = 'file' in source ? source.file : this.#incoming.path();
    try {
      if ('file' in source) await withFile(file, 'r+', (handle) => handle.sync());
      else await withFile(file, 'wx', (handle) => writeDurably(handle, source));
      await this.#ensureDirectory(dirname(path));
      if (options.ifAbsent !== true) await rename(file, path);
      else await link(file, path); // Unlike rename, it never replaces.
    } catch (error) {
      await rm(file, { force: true });
      this.#durable.delete(dirname(path)); // Should somebody have removed it, the next put makes it again.
      if (options.ifAbsent !== true || !hasCode(error, 'EEXIST')) throw storageFailure(error);
      await this.#syncs.sync(dirname(path)); // Whoever was first may not have got this far.
      return 'exists';
    }
    await Promise.all([this.#syncs.sync(dirname(path)), options.ifAbsent === true && rm(file, { force: true })]);
    return 'stored';
  }

  /** In a thread of its own, with one sync of the file system instead of two a file. */
  async putMany(objects: readonly ManyObject[]): Promise<void> {
    const files = objects.map(({ key, bytes }) => ({
      key,
      bytes,
      path: this.#path(key),
      temporary: this.#incoming.path(),
    }));
    const directories = new Set(files.map(({ path }) => dirname(path)));
    try {
      for (const directory of directories) await this.#ensureDirectory(directory);
      await this.#maker.make(this.#objects, files);
    } catch (error) {
      for (const directory of directories) this.#durable.delete(directory);
      throw storageFailure(error);
    }
    await Promise.all(Array.from(directories, (directory) => this.#syncs.sync(directory)));
  }

  async get(key: string, options: { readonly maxLength: number }): Promise<Uint8Array | undefined> {
    const handle = await this.#openForReading(key);
    if (!handle) return undefined;
    try {
      const { size } = await handle.stat();
      if (size > options.maxLength) throw new ObjectTooLargeError(key, size);
      const bytes = Buffer.allocUnsafeSlow(size);
      for (let read = 0; read < size; ) {
        const { bytesRead } = await handle.read(bytes, read, size - read, read);
        if (bytesRead === 0) return bytes.subarray(0, read);
        read += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  }

  async read(key: string, options: { readonly maxLength: number }): Promise<TaggedObject | undefined> {
    const bytes = await this.get(key, options);
    return bytes && { bytes, tag: hash('sha256', bytes) };
  }

  async open(key: string): Promise<OpenObject | undefined> {
    const handle = await this.#openForReading(key);
    if (!handle) return undefined;
    const { size } = await handle.stat();
    return {
      size,
      stream: (range) =>
        handle.createReadStream({ ...(range ?? { start: 0 }), autoClose: false, highWaterMark: READ_BYTES }),
      close: () => void handle.close().catch(() => undefined), // Nothing was written: a failed close loses nothing.
    };
  }

  async delete(key: string): Promise<void> {
    const path = this.#path(key);
    await rm(path, { force: true });
    await this.#syncs.sync(dirname(path)).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
    });
  }

  async *list(prefix: string): AsyncIterable<string> {
    for await (const key of this.#walk(listingStart(prefix))) if (key.startsWith(prefix)) yield key;
  }

  async incoming(): Promise<IncomingFile> {
    return this.#incoming.file();
  }

  #path(key: string): string {
    return join(this.#objects, ...keyParts(key));
  }

  async *#walk(start: string): AsyncIterable<string> {
    const entries = await readdir(join(this.#objects, start), { withFileTypes: true }).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    });
    for (const entry of entries) {
      if (entry.isDirectory()) yield* this.#walk(`${start}${entry.name}/`);
      else if (entry.isFile()) yield start + entry.name;
    }
  }

  /** A regular file, or nothing: a symbolic link in the store is not an object. */
  async #openForReading(key: string): Promise<FileHandle | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.#path(key), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((code) => hasCode(error, code))) return undefined;
      throw error;
    }
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return undefined;
  }

  /** Makes the directory and makes it durable, or waits for whoever makes it, or a part of its path, at the same time. */
  async #ensureDirectory(directory: string): Promise<void> {
    if (this.#durable.has(directory)) return;
    const making = this.#makeDirectory(directory);
    this.#making.add(making);
    try {
      await Promise.all(this.#making);
    } finally {
      this.#making.delete(making);
    }
    if (this.#durable.size >= MAX_DURABLE_DIRECTORIES) this.#durable.clear();
    this.#durable.add(directory);
  }

  /** Every parent that got a new entry is synced. */
  async #makeDirectory(directory: string): Promise<void> {
    const first = await mkdir(directory, { recursive: true });
    if (first === undefined) return;
    const parents: string[] = [];
    for (let path = directory; path.length >= first.length; path = dirname(path)) parents.push(dirname(path));
    await Promise.all(parents.map((parent) => this.#syncs.sync(parent)));
  }
}

async function writeDurably(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  await handle.writeFile(bytes);
  await handle.sync();
}

async function withFile(path: string, flags: string, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, flags);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}
