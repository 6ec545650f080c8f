import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DamagedIndexError } from '../errors.ts';
import { hasCode } from '../objects/storage-failure.ts';
import type { ObjectReader } from './object-reader.ts';

/** Copies an object durably into a file that is not there yet in the same size, and only if it has the right hash. */
export async function copyObject(
  from: ObjectReader,
  key: string,
  to: string,
  sha256: string,
): Promise<'copied' | 'there' | 'missing'> {
  const [source, size] = await Promise.all([from.open(key), sizeOf(to)]);
  if (!source) return size === undefined ? 'missing' : 'there';
  try {
    if (size === source.size) return 'there';
    await mkdir(dirname(to), { recursive: true });
    const hashing = createHash('sha256');
    const watch = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hashing.update(chunk);
        done(null, chunk);
      },
    });
    const temporary = `${to}.new`;
    await pipeline(source.stream(), watch, createWriteStream(temporary, { mode: 0o600, flush: true }));
    if (hashing.digest('hex') !== sha256)
      throw new DamagedIndexError(key, 'it is not what was published under this name');
    await rename(temporary, to);
    return 'copied';
  } finally {
    source.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
