import { parseTimestamp, TufError } from '@holdfast/tuf';
import { DamagedIndexError, ObjectStoreError, SignerLostError } from '../errors.ts';
import type { ObjectStore, TaggedObject } from '../objects/object-store.ts';

export const TIMESTAMP_KEY = 'metadata/timestamp.json';
/** A timestamp has a few hundred bytes. */
const MAX_TIMESTAMP_BYTES = 65_536;
const ATTEMPTS = 4;

/**
 * Puts the next timestamp in the place of the one that is there, and of no other: a signer that slept, or whose request was
 * under way for long, cannot bring an older one back.
 * @throws SignerLostError when a newer one is there: another process signs
 * @throws DamagedIndexError when other bytes stand there under the same version
 * @throws ObjectStoreError when another one is there at every look
 */
export async function switchTimestamp(objects: ObjectStore, bytes: Uint8Array): Promise<void> {
  const { version } = parseTimestamp(bytes).signed;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const current = await readTimestamp(objects);
    if (current && Buffer.compare(current.bytes, bytes) === 0) return; // Of an attempt whose answer was lost.
    const shown = current?.version ?? 0;
    if (shown === version) throw new DamagedIndexError(TIMESTAMP_KEY, `version ${version} has other bytes than here`);
    if (shown > version) throw new SignerLostError();
    const condition = current ? { ifTag: current.tag } : { ifAbsent: true };
    if ((await objects.put(TIMESTAMP_KEY, bytes, condition)) === 'stored') return;
  }
  throw new ObjectStoreError(TIMESTAMP_KEY, 'an object that is another one whenever it is replaced', undefined);
}

/** What everyone gets; version 0 when it is nothing that can be read as a timestamp. */
async function readTimestamp(objects: ObjectStore): Promise<(TaggedObject & { readonly version: number }) | undefined> {
  const current = await objects.read(TIMESTAMP_KEY, { maxLength: Number.MAX_SAFE_INTEGER });
  return current && { ...current, version: versionOf(current.bytes) };
}

function versionOf(bytes: Uint8Array): number {
  try {
    return bytes.length > MAX_TIMESTAMP_BYTES ? 0 : parseTimestamp(bytes).signed.version;
  } catch (error) {
    if (error instanceof TufError) return 0;
    throw error;
  }
}
