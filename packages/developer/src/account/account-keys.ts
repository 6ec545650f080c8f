import {
  encodeJson,
  type JsonObject,
  type JsonValue,
  type PublicKey,
  readPublicKey,
  type Signature,
  type Signer,
} from '@holdfast/tuf';
import { UnexpectedAnswerError } from '../errors.ts';
import { asArray, asObject, asPlainText, asTime } from '../json-fields.ts';
import { assertUsable } from '../keys/usable-key.ts';
import type { IndexApi } from './index-api.ts';
import { type KeyStatement, signStatement } from './key-statement.ts';

/** A key that an account of an index has registered: what the index says. */
export interface AccountKey {
  readonly key: PublicKey;
  readonly label: string;
  readonly addedAt: Date;
  /** The keyid of the key that signed for it; none for the account's first. */
  readonly vouchedBy: string | undefined;
}

/** Whose token it is. */
export interface Account {
  readonly account: string;
  /** The index: SHA-256 of its first root, in hex, as the index says. */
  readonly index: string;
  /** Oldest first. */
  readonly keys: readonly AccountKey[];
}

/** A key that asks to become one of an account's, signed by itself. */
export interface KeyRequest {
  readonly index: string;
  readonly account: string;
  readonly key: PublicKey;
  readonly label: string;
  readonly proof: Signature;
}

/** @throws UnexpectedAnswerError, and as {@link IndexApi} */
export async function getAccount(api: IndexApi): Promise<Account> {
  const answer = await api.get('api/v1/account');
  return readable(api, async () => ({
    account: asPlainText(answer.get('account'), 'account'),
    index: asPlainText(answer.get('index'), 'index'),
    keys: await Promise.all(asArray(answer.get('keys'), 'keys').map(readAccountKey)),
  }));
}

/** What a new key signs for itself before the account can have it. @throws UnusableKeyError */
export async function requestKey(
  owner: { index: string; account: string },
  signer: Signer,
  label: string,
): Promise<KeyRequest> {
  const { index, account } = owner;
  await assertUsable(signer.key);
  const proof = await signStatement(statementOf({ index, account, key: signer.key }), signer);
  return { index, account, key: signer.key, label, proof };
}

/**
 * Registers a key with the account.
 * @param voucher a key that the account has; none when this is its first
 */
export async function registerKey(api: IndexApi, request: KeyRequest, voucher: Signer | undefined): Promise<void> {
  const vouchers = voucher === undefined ? [] : [await signStatement(statementOf(request), voucher)];
  const { key, label, proof } = request;
  await api.post('api/v1/account/keys', { key: key.json, label, proof, vouchers });
}

/** Takes a key away from the account, which a key of it must sign; it may be the same one. */
export async function unregisterKey(api: IndexApi, account: Account, key: PublicKey, voucher: Signer): Promise<void> {
  const statement = {
    type: 'holdfast-account-key-removal',
    index: account.index,
    account: account.account,
    key,
  } as const;
  const vouchers = [await signStatement(statement, voucher)];
  await api.delete(`api/v1/account/keys/${encodeURIComponent(key.keyid)}`, { vouchers });
}

export function statementOf({ index, account, key }: Pick<KeyRequest, 'index' | 'account' | 'key'>): KeyStatement {
  return { type: 'holdfast-account-key', index, account, key };
}

async function readAccountKey(entry: JsonValue): Promise<AccountKey> {
  const json: JsonObject = asObject(entry, 'a key');
  const vouchedBy = json.get('vouched_by') ?? null;
  return {
    key: await readPublicKey(encodeJson(asObject(json.get('key'), 'key'))),
    label: asPlainText(json.get('label'), 'label'),
    addedAt: asTime(json.get('added_at'), 'added_at'),
    vouchedBy: vouchedBy === null ? undefined : asPlainText(vouchedBy, 'vouched_by'),
  };
}

async function readable<T>(api: IndexApi, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new UnexpectedAnswerError(api.url, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
