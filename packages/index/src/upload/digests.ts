import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
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
 * clients send fields behind the file; the pages are still in memory then.
 */
export async function digestFile(path: string, algorithms: readonly FormDigest[]): Promise<Map<FormDigest, string>> {
  const hashes = new Map(algorithms.map((algorithm): [FormDigest, Hash] => [algorithm, newHash(algorithm)]));
  if (hashes.size === 0) return new Map();
  const handle = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES);
      if (bytesRead === 0) break;
      for (const hash of hashes.values()) hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digestHex()]));
}

function newHash(algorithm: FormDigest): Hash {
  if (algorithm === 'blake2_256') return new Blake2b(32);
  const hash = createHash(algorithm);
  return { update: (bytes) => hash.update(bytes), digestHex: () => hash.digest('hex') };
}
