import { hash } from 'node:crypto';
import { parseRoot } from '@holdfast/tuf';
import { RootMismatchError } from '../errors.ts';
import type { Mirror } from '../fetch/mirror.ts';

const MAX_ROOT_BYTES = 512_000;
/** How many root versions are looked at, newest first. */
const MAX_ROOTS = 256;

/**
 * Finds the root with this SHA-256 on a mirror: the newest, or one before it, since the fingerprint may come from old
 * paper. Nothing that the mirror sends is believed but the bytes with that hash.
 * @throws RootMismatchError with the fingerprints that were seen
 */
export async function findRoot(mirror: Mirror, fingerprint: string): Promise<Uint8Array> {
  const seen: string[] = [];
  const look = async (path: string): Promise<{ bytes: Uint8Array; matches: boolean }> => {
    const bytes = await mirror.read(`metadata/${path}`, { maxLength: MAX_ROOT_BYTES });
    const actual = hash('sha256', bytes, 'hex');
    seen.push(actual);
    return { bytes, matches: actual === fingerprint };
  };
  const newest = await look('root.json');
  if (newest.matches) return newest.bytes;
  const top = versionOf(newest.bytes);
  for (let version = top - 1; version >= 1 && version >= top - MAX_ROOTS; version--) {
    const older = await look(`${version}.root.json`);
    if (older.matches) return older.bytes;
  }
  throw new RootMismatchError(fingerprint, seen);
}

/** 0 for what is no root at all: then there is nothing to walk. */
function versionOf(bytes: Uint8Array): number {
  try {
    return parseRoot(bytes).signed.version;
  } catch {
    return 0;
  }
}
