import { createHash } from 'node:crypto';
import { mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetadataStore } from '../client/ports.ts';
import { absentAsUndefined, sweepTemporaries, syncDirectory, writeFileAtomic } from './atomic-file.ts';
import { withFileLock } from './file-lock.ts';

/** No metadata file is longer; a longer one on the disk is damage. Bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_NAME_BYTES = 200;

/** For {@link FileMetadataStore}. */
export interface FileMetadataStoreOptions {
  /** The file name for a name of the store, such as `role.json`; default {@link fileName}. */
  readonly fileName?: (name: string) => string;
}

/**
 * Keeps metadata as files in one directory, which several processes may share. A write is atomic and durable; the lock
 * is released by the kernel when its holder dies.
 */
export class FileMetadataStore implements MetadataStore {
  private readonly directory: string;
  private readonly fileName: (name: string) => string;
  private ready: Promise<void> | undefined;

  constructor(directory: string, options: FileMetadataStoreOptions = {}) {
    this.directory = directory;
    this.fileName = options.fileName ?? fileName;
  }

  /** Of all files in the directory, as they are on the disk; none if there is no directory. */
  async names(): Promise<readonly string[]> {
    return (await readdir(this.directory).catch(absentAsUndefined)) ?? [];
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    const handle = await open(this.path(name), 'r').catch(absentAsUndefined);
    if (handle === undefined) return undefined;
    try {
      const { size } = await handle.stat();
      return size > MAX_FILE_BYTES ? undefined : await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.prepare();
    await writeFileAtomic(this.path(name), bytes);
  }

  async remove(name: string): Promise<void> {
    await this.prepare();
    await unlink(this.path(name)).catch(absentAsUndefined);
    await syncDirectory(this.directory);
  }

  async lock<T>(fn: () => Promise<T>): Promise<T> {
    await this.prepare();
    return withFileLock(join(this.directory, '.lock'), fn);
  }

  private path(name: string): string {
    return join(this.directory, this.fileName(name));
  }

  /** Once per store: the directory exists and what dead writers left behind is gone. */
  private prepare(): Promise<void> {
    this.ready ??= this.sweep();
    return this.ready;
  }

  private async sweep(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await sweepTemporaries(this.directory);
  }
}

/**
 * A file name for any text: lower-case letters, digits, `_`, `-` and inner dots stay, all else is percent-encoded, so that
 * nothing leaves the directory and no two names meet on a file system that ignores case. Long names are hashed, and begin as
 * no encoded one does.
 */
export function fileName(name: string): string {
  const encoded = Array.from(new TextEncoder().encode(name), (byte, index) => {
    const unit = String.fromCharCode(byte);
    return /[a-z0-9_-]/.test(unit) || (unit === '.' && index > 0) ? unit : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
  if (encoded === '' || encoded.length > MAX_NAME_BYTES) return `%-${createHash('sha256').update(name).digest('hex')}`;
  // Names that Windows keeps for devices, whatever follows the first dot.
  return /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/.test(encoded)
    ? `%${encoded.charCodeAt(0).toString(16)}${encoded.slice(1)}`
    : encoded;
}
