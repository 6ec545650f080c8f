import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HASH_ALGORITHMS } from '../client/digests.ts';
import type { HttpFetcher } from '../client/http-fetcher.ts';
import type { TargetInfo } from '../client/updater.ts';
import { HashMismatchError, LengthMismatchError } from '../errors.ts';
import type { TargetFile } from '../model.ts';
import { replaceFileAtomic, sweepTemporaries } from '../node/atomic-file.ts';
import { plainFileName } from './plain-store.ts';

/**
 * §5.7.3: the target as one file of `directory`, named by its percent-encoded path. What is there already with the right
 * length and hashes is not fetched. Until the content is verified it is under another name.
 * @throws NotFoundError, NetworkError, LengthMismatchError, HashMismatchError
 */
export async function downloadTarget(
  fetcher: HttpFetcher,
  { path, file, urlPath }: TargetInfo,
  directory: string,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  await sweepTemporaries(directory);
  const final = join(directory, plainFileName(path));
  if (await isCurrent(path, file, final)) return;
  await replaceFileAtomic(final, async (handle) => {
    const sink = new HashingSink(path, file, handle);
    await fetcher.receive(urlPath, { maxLength: file.length }, sink);
    sink.verify();
  });
}

async function isCurrent(path: string, file: TargetFile, local: string): Promise<boolean> {
  const found = await stat(local).catch(() => undefined); // whatever is wrong with it, it is written anew
  if (found?.isFile() !== true || found.size !== file.length) return false;
  const hashes = new TargetHashes(path, file);
  const content: AsyncIterable<Uint8Array> = createReadStream(local);
  for await (const chunk of content) hashes.update(chunk);
  return hashes.mismatch() === undefined;
}

/** Every listed hash that is known here, of which there must be one. */
class TargetHashes {
  private readonly path: string;
  private readonly file: TargetFile;
  private readonly hashes: readonly (readonly [string, Hash])[];

  constructor(path: string, file: TargetFile) {
    this.path = path;
    this.file = file;
    this.hashes = HASH_ALGORITHMS.filter((name) => file.hashes.has(name)).map((name) => [name, createHash(name)]);
  }

  update(chunk: Uint8Array): void {
    for (const [, hash] of this.hashes) hash.update(chunk);
  }

  mismatch(): HashMismatchError | undefined {
    if (this.hashes.length === 0) return new HashMismatchError(this.path);
    for (const [name, hash] of this.hashes) {
      const actual = hash.digest('hex');
      const expected = this.file.hashes.get(name);
      if (actual !== expected) return new HashMismatchError(this.path, name, expected, actual);
    }
    return undefined;
  }
}

class HashingSink {
  private readonly path: string;
  private readonly file: TargetFile;
  private readonly handle: FileHandle;
  private hashes: TargetHashes;
  private length = 0;

  constructor(path: string, file: TargetFile, handle: FileHandle) {
    this.path = path;
    this.file = file;
    this.handle = handle;
    this.hashes = new TargetHashes(path, file);
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.hashes.update(chunk);
    this.length += chunk.length;
    await this.handle.writeFile(chunk);
  }

  async restart(): Promise<void> {
    this.hashes = new TargetHashes(this.path, this.file);
    this.length = 0;
    await this.handle.truncate(0);
  }

  verify(): void {
    if (this.length !== this.file.length) throw new LengthMismatchError(this.path, this.file.length, this.length);
    const mismatch = this.hashes.mismatch();
    if (mismatch !== undefined) throw mismatch;
  }
}
