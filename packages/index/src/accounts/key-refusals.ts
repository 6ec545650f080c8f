import { HttpError } from '../http/http-error.ts';

/** The new key did not sign: whoever brings it may not hold it. */
export function notHeld(keyid: string, problem: string): HttpError {
  const message = `The new key must sign for itself, and the proof of ${keyid} does not count: ${problem}. Nothing was changed.`;
  return new HttpError({ status: 422, code: 'KEY_NOT_PROVEN', message });
}

export function badVoucher(account: string, keyid: string, problem: string): HttpError {
  const message = `The voucher of ${keyid} does not count for ${account}: ${problem}. Nothing was changed.`;
  return new HttpError({ status: 422, code: 'VOUCHER_INVALID', message });
}

export function notVouched(account: string, change: 'added' | 'removed'): HttpError {
  const message = `${account} has keys, so one of them must sign for a key that is ${change}: a token alone changes none. Sign with a present key; if all are lost, ask the operators of this index.`;
  return new HttpError({ status: 422, code: 'KEY_NOT_VOUCHED', message });
}

export function removedBefore(keyid: string): HttpError {
  const message = `The key ${keyid} was removed from this account and does not come back. Make a new key.`;
  return new HttpError({ status: 409, code: 'KEY_REMOVED', message });
}

export function tooManyKeys(account: string, limit: number): HttpError {
  const message = `${account} has ${limit} keys, which is as many as an account may have. Remove one first.`;
  return new HttpError({ status: 422, code: 'TOO_MANY_KEYS', message });
}

export function unknownKey(account: string, keyid: string): HttpError {
  const message = `${account} has no key ${keyid.slice(0, 128)}. See which it has: holdfast account keys.`;
  return new HttpError({ status: 404, code: 'KEY_UNKNOWN', message });
}
