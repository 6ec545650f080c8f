import {
  encodeJson,
  FormatError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  type PublicKey,
  toJson,
} from '@holdfast/tuf';
import { MAX_TRANSACTION_BYTES } from './limits.ts';
import { TransactionRefusedError } from './refused.ts';
import type { KeysAndThreshold, ProjectTransaction } from './transaction.ts';

/** A transaction as it is sent: docs/formats/project-transaction.md. */
export function encodeTransaction({ claim, roles, rotation }: ProjectTransaction): Uint8Array {
  const decoder = new TextDecoder();
  const texts = new Map(Array.from(roles, ([role, bytes]) => [role, decoder.decode(bytes)]));
  return encodeJson(
    toJson({
      claim: claim && { keys: keysToJson(claim.keys), threshold: claim.threshold },
      roles: texts,
      rotation: rotation && decoder.decode(rotation),
    }),
  );
}

/**
 * Reads what was sent; nothing is checked but its form. Members that are not known are ignored.
 * @throws TransactionRefusedError (`FORMAT`, `TOO_LARGE`)
 */
export function decodeTransaction(bytes: Uint8Array): ProjectTransaction {
  if (bytes.length > MAX_TRANSACTION_BYTES)
    throw new TransactionRefusedError(
      'TOO_LARGE',
      undefined,
      `it has ${bytes.length} bytes, and ${MAX_TRANSACTION_BYTES} are the most.`,
    );
  try {
    return fromJson(parseJson(bytes));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new TransactionRefusedError('FORMAT', undefined, `it is no transaction: ${cause.message}.`, { cause });
  }
}

/** Keys by keyid, as transactions and metadata write them. */
export function keysToJson(keys: ReadonlyMap<string, PublicKey>): JsonObject {
  return new Map(Array.from(keys, ([keyid, { json }]) => [keyid, json]));
}

/** Reads {@link keysToJson}; whether a key can be used is another question. @throws FormatError */
export function keysFromJson(value: JsonValue | undefined, where = 'keys'): ReadonlyMap<string, PublicKey> {
  const keys = new Map<string, PublicKey>();
  for (const [keyid, json] of objectAt(value, where)) {
    const at = `${where}.${keyid}`;
    const key = objectAt(json, at);
    const material = objectAt(key.get('keyval'), `${at}.keyval`).get('public');
    const [keytype, scheme] = [textAt(key.get('keytype'), `${at}.keytype`), textAt(key.get('scheme'), `${at}.scheme`)];
    keys.set(keyid, { keyid, keytype, scheme, public: textAt(material, `${at}.keyval.public`), json: key });
  }
  return keys;
}

function fromJson(value: JsonValue): ProjectTransaction {
  const body = objectAt(value, 'transaction');
  const encoder = new TextEncoder();
  const roles = new Map<string, Uint8Array>();
  for (const [role, text] of objectAt(body.get('roles') ?? new Map(), 'roles'))
    roles.set(role, encoder.encode(textAt(text, `roles.${role}`)));
  const [claim, rotation] = [body.get('claim'), body.get('rotation')];
  return {
    roles,
    ...(claim === undefined ? {} : { claim: claimFrom(objectAt(claim, 'claim')) }),
    ...(rotation === undefined ? {} : { rotation: encoder.encode(textAt(rotation, 'rotation')) }),
  };
}

function claimFrom(claim: JsonObject): KeysAndThreshold {
  const threshold = claim.get('threshold');
  if (typeof threshold !== 'number') throw new FormatError('claim.threshold', 'should be a number');
  return { keys: keysFromJson(claim.get('keys'), 'claim.keys'), threshold };
}

function objectAt(value: JsonValue | undefined, where: string): JsonObject {
  if (!isJsonObject(value)) throw new FormatError(where, 'should be an object');
  return value;
}

function textAt(value: JsonValue | undefined, where: string): string {
  if (typeof value !== 'string') throw new FormatError(where, 'should be a string');
  return value;
}
