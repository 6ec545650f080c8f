import { type FileHandle, open } from 'node:fs/promises';
import type { RandomAccess } from '@holdfast/python-index';
import type { IncomingFile } from '../objects/object-store.ts';
import { storageFailure } from '../objects/storage-failure.ts';

/** Up to this many bytes a distribution stays in memory. Most wheels are smaller; with 64 uploads at once it is 16 MiB. */
const MEMORY_BYTES = 256 * 1024;

interface OpenFile {
  readonly incoming: IncomingFile;
  readonly handle: FileHandle;
}

/**
 * Where a distribution waits while it is received and looked into: in memory while it is small, which saves a dozen calls
 * to the file system, else in a temporary file. It is appended to, then read, then handed to the object store.
 */
export class Spool implements RandomAccess {
  readonly #makeFile: () => Promise<IncomingFile>;
  #memory = Buffer.alloc(0);
  #size = 0;
  #file: OpenFile | undefined;

  /** `makeFile` is called at most once, when the content outgrows the memory. */
  constructor(makeFile: () => Promise<IncomingFile>) {
    this.#makeFile = makeFile;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Adds bytes at the end. One call at a time. @throws StorageFullError */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#file === undefined && this.#size + bytes.length <= MEMORY_BYTES) {
      this.#keep(bytes);
    } else {
      await this.#write(bytes);
    }
    this.#size += bytes.length;
  }

  /** Bytes from anywhere, fewer than asked for only at the end. Not while appending. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#file === undefined) return this.#kept().subarray(offset, offset + length);
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.#size - offset)));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#file.handle.read(buffer, filled, buffer.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  /** The content as the object store takes it; a file is closed first, and moved away by the store. */
  async source(): Promise<Uint8Array | { readonly file: string }> {
    if (this.#file === undefined) return this.#kept();
    await this.#file.handle.close();
    return { file: this.#file.incoming.path };
  }

  /** Leaves nothing behind, whatever happened before. */
  async discard(): Promise<void> {
    this.#memory = Buffer.alloc(0);
    if (this.#file === undefined) return;
    await this.#file.handle.close();
    await this.#file.incoming.discard();
  }

  /** Copies, so that a client that sends single bytes does not fill the memory with a thousand small buffers. */
  #keep(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.max(8192, 2 * (this.#size + bytes.length)));
      larger.set(this.#kept());
      this.#memory = larger;
    }
    this.#memory.set(bytes, this.#size);
  }

  #kept(): Buffer {
    return this.#memory.subarray(0, this.#size);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      const { handle } = this.#file ?? (await this.#spill());
      await handle.appendFile(bytes);
    } catch (error) {
      throw storageFailure(error);
    }
  }

  async #spill(): Promise<OpenFile> {
    const incoming = await this.#makeFile();
    const handle = await openNew(incoming);
    this.#file = { incoming, handle };
    await handle.appendFile(this.#kept());
    this.#memory = Buffer.alloc(0);
    return this.#file;
  }
}

async function openNew(incoming: IncomingFile): Promise<FileHandle> {
  try {
    return await open(incoming.path, 'wx+', 0o600);
  } catch (error) {
    await incoming.discard();
    throw error;
  }
}
