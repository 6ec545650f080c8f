import { createHash } from 'node:crypto';
import type { RandomAccess } from '@holdfast/python-index';

const READ_BYTES = 1 << 20;

/** SHA-256, in lower-case hex, of something too large to be read at once. */
export async function hashStream(source: RandomAccess): Promise<string> {
  const sha256 = createHash('sha256');
  for (let offset = 0; offset < source.size; offset += READ_BYTES)
    sha256.update(await source.read(offset, Math.min(READ_BYTES, source.size - offset)));
  return sha256.digest('hex');
}
