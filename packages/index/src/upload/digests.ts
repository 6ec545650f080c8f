import { createHash } from 'node:crypto';
import type { RandomAccess } from '@holdfast/python-index';
import { Blake2b } from './blake2b.ts';

/** Digests that upload forms carry besides SHA-256. */
export type FormDigest = 'md5' | 'blake2_256';

interface Hash {
  update(bytes: Uint8Array): unknown;
  digestHex(): string;
}

const READ_BYTES = 256 * 1024;

/**
 * Hashes a received file again, with the algorithms that the form named. After the form and not during it, because some
 * clients send fields behind the file; the bytes are still in memory then.
 */
export async function digestContent(
  content: RandomAccess,
  algorithms: readonly FormDigest[],
): Promise<ReadonlyMap<FormDigest, string>> {
  const hashes = new Map(algorithms.map((algorithm): [FormDigest, Hash] => [algorithm, newHash(algorithm)]));
  for (let offset = 0; hashes.size > 0 && offset < content.size; offset += READ_BYTES) {
    const bytes = await content.read(offset, Math.min(READ_BYTES, content.size - offset));
    for (const hash of hashes.values()) hash.update(bytes);
  }
  return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digestHex()]));
}

function newHash(algorithm: FormDigest): Hash {
  if (algorithm === 'blake2_256') return new Blake2b(32);
  const hash = createHash(algorithm);
  return { update: (bytes) => hash.update(bytes), digestHex: () => hash.digest('hex') };
}
