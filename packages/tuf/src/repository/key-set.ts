import { FormatError } from '../errors.ts';
import { canonicalize } from '../json/canonical.ts';
import { equalBytes } from '../bytes.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import type { PublicKey, RoleKeys } from '../model.ts';

/** Who signs a role: so many different keys of these. */
export interface KeySet {
  /** All that may sign. */
  readonly keys: readonly PublicKey[];
  /** At least 1, at most the number of different keys. */
  readonly threshold: number;
}

/** As metadata writes it. @throws FormatError for a threshold that these keys can never reach */
export function roleKeysOf(role: string, { keys, threshold }: KeySet): RoleKeys {
  const keyids = keys.map((key) => key.keyid);
  if (new Set(keyids).size !== keyids.length) throw new FormatError(`${role}.keyids`, 'lists a keyid twice');
  // Keys that are the same under several names count once (TAP 12).
  const different = new Set(keys.map((key) => (key.public === '' ? key.keyid : key.public))).size;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > different)
    throw new FormatError(`${role}.threshold`, `should be from 1 to ${different}, the number of its keys`);
  return { keyids, threshold };
}

/**
 * A list of keys with those of a role replaced: new ones come in, and those leave that only this role had.
 * @param used keyids that roles refer to, before and after the change
 */
export function replaceKeys(
  listed: JsonObject,
  added: readonly PublicKey[],
  used: { readonly before: ReadonlySet<string>; readonly after: ReadonlySet<string> },
): JsonObject {
  const keys = new Map<string, JsonValue>();
  for (const [keyid, json] of listed) if (!used.before.has(keyid) || used.after.has(keyid)) keys.set(keyid, json);
  for (const { keyid, json } of added) {
    const other = keys.get(keyid);
    if (other !== undefined && !equalBytes(canonicalize(other), canonicalize(json)))
      throw new FormatError('keys', `${keyid} stands for another key already`);
    keys.set(keyid, other ?? json);
  }
  return keys;
}
