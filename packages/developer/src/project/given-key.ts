import { readFile } from 'node:fs/promises';
import type { PublicKey } from '@holdfast/tuf';
import type { Account } from '../account/account-keys.ts';
import { readRequestCode } from '../account/request-code.ts';
import { RequestCodeError } from '../errors.ts';

const MAX_CODE_BYTES = 16_384;

/** Somebody else's key, whose holder signed that it is theirs. */
export interface GivenKey {
  readonly key: PublicKey;
  /** The account at the index that it says it belongs to. */
  readonly account: string;
}

/**
 * Reads a key as people give it to each other: the code that `holdfast key code` prints, or a file with it.
 * @throws RequestCodeError when it is none, or is for another index
 */
export async function readGivenKey(given: string, { index }: Pick<Account, 'index'>): Promise<GivenKey> {
  const request = await readRequestCode(given.startsWith('hfk1.') ? given : await codeIn(given));
  if (request.index !== index) throw new RequestCodeError('it is for another index');
  return { key: request.key, account: request.account };
}

async function codeIn(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    return bytes.subarray(0, MAX_CODE_BYTES).toString('utf8');
  } catch (cause) {
    throw new RequestCodeError(`${path} is neither a code nor a file with one`, { cause });
  }
}
