import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeJson, parseJson } from '@holdfast/tuf';
import { withFileLock, writeFileAtomic } from '@holdfast/tuf/node';
import { KeyRingError, NoKeyError } from '../errors.ts';
import { type KeyRecord, type KeyRing, keyRingJson, readKeyRing } from './key-record.ts';
import type { PhraseOwner } from './phrase-key.ts';

/** Which keys: all, those of an index, or those of one account there. */
export type KeyFilter = Partial<PhraseOwner>;

/** Where developers' things are kept, below the Holdfast home. */
export const developerDirectory = (home: string): string => join(home, 'developer');
const ringPath = (home: string): string => join(developerDirectory(home), 'keys.json');

/**
 * The keys of this user, the one in use before the others of its account.
 * @throws KeyRingError when the list is damaged
 */
export async function listKeys(home: string, filter: KeyFilter = {}): Promise<readonly KeyRecord[]> {
  return (await readRing(home)).keys.filter((record) => matches(record, filter));
}

/** Remembers a key, and uses it from now on for its account of its index. What was remembered of the same key is replaced. */
export async function rememberKey(home: string, record: KeyRecord): Promise<void> {
  await changeRing(home, (ring) => ({
    ...ring,
    keys: [record, ...ring.keys.filter((other) => !(isSameKey(record, other) && matches(other, ownerOf(record))))],
  }));
}

/**
 * Forgets a key. It stays where it is: only the note of it goes.
 * @param keyid the key's id, or the beginning of it
 * @throws NoKeyError when none, or several, begin so
 */
export async function forgetKey(home: string, keyid: string, filter: KeyFilter = {}): Promise<KeyRecord> {
  let forgotten: KeyRecord | undefined;
  await changeRing(home, (ring) => {
    const candidates = ring.keys.filter((record) => matches(record, filter));
    const found = chooseKey(candidates, keyid);
    forgotten = found;
    return { ...ring, keys: ring.keys.filter((record) => record !== found) };
  });
  if (forgotten === undefined) throw new NoKeyError(`no key ${keyid} is known here`);
  return forgotten;
}

/**
 * The key that the beginning of its id names; without one, the first.
 * @throws NoKeyError when there is none, or several begin so
 */
export function chooseKey(records: readonly KeyRecord[], keyid?: string): KeyRecord {
  if (keyid === undefined) {
    const [first] = records;
    if (first === undefined) throw new NoKeyError('no key is known here for this account of the index');
    return first;
  }
  const found = records.filter(({ key }) => keyid.length >= MIN_KEYID && key.keyid.startsWith(keyid));
  const [only, another] = found;
  if (only === undefined) throw new NoKeyError(`no key ${keyid} is known here for this account of the index`);
  if (another !== undefined) throw new NoKeyError(`several keys begin with ${keyid}`);
  return only;
}

/** Characters of a keyid that are enough to name one. */
const MIN_KEYID = 4;

/** The first root's fingerprint, if it was found out before for trust that began with another. */
export async function knownFirstRoot(home: string, trusted: string): Promise<string | undefined> {
  return (await readRing(home)).firstRoots.get(trusted);
}

export async function rememberFirstRoot(home: string, trusted: string, first: string): Promise<void> {
  await changeRing(home, (ring) => ({ ...ring, firstRoots: new Map(ring.firstRoots).set(trusted, first) }));
}

const ownerOf = ({ index, account }: KeyRecord): PhraseOwner => ({ index, account });
const isSameKey = (a: KeyRecord, b: KeyRecord): boolean => a.key.keyid === b.key.keyid;

function matches(record: KeyRecord, { index, account }: KeyFilter): boolean {
  return (index ?? record.index) === record.index && (account ?? record.account) === record.account;
}

/** Two processes change the list one after the other, and a reader sees it before or after, never between. */
async function changeRing(home: string, change: (ring: KeyRing) => KeyRing): Promise<void> {
  const directory = developerDirectory(home);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await withFileLock(join(directory, 'keys.lock'), async () => {
    const changed = change(await readRing(home));
    await writeFileAtomic(ringPath(home), encodeJson(keyRingJson(changed)), { mode: 0o600 });
  });
}

async function readRing(home: string): Promise<KeyRing> {
  const path = ringPath(home);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { keys: [], firstRoots: new Map() };
    throw error;
  }
  try {
    return await readKeyRing(parseJson(bytes));
  } catch (cause) {
    throw new KeyRingError(path, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
