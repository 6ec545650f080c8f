import { crypto } from '#crypto';
import { FormatError } from '../errors.ts';
import { toJson } from '../json/to-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { MetaFile, PublicKey } from '../model.ts';
import { parseKey } from '../parse/key.ts';
import { rotationName } from './name.ts';
import { checkRotationKeys, NULL_KEYTYPE, parseRotation } from './rotation.ts';

/** The null key as this package writes it; TAP 20 asks for one fixed value and names none. */
export const NULL_KEY: PublicKey = parseKey(
  'null',
  new Map<string, string | JsonObject>([
    ['keytype', NULL_KEYTYPE],
    ['keyval', new Map([['public', '']])],
    ['scheme', NULL_KEYTYPE],
  ]),
  'key',
);

/** For {@link rotationJson}. */
export interface RotationInput {
  /** The role whose keys change. */
  readonly role: string;
  /** One more than the role's newest rotate file; 1 for the first. */
  readonly version: number;
  /** Who signs the role from now on; keys that stay are among them. */
  readonly keys: readonly PublicKey[];
  /** How many different keys have to sign from now on. */
  readonly threshold: number;
}

/**
 * `signed` of a rotate file (TAP 8). To be signed, with `signMetadata` or one by one with `addSignature`, by a threshold
 * of the keys that it replaces. Its keyids must differ from one another, not from the old ones.
 * @throws FormatError
 */
export function rotationJson({ role, version, keys, threshold }: RotationInput): JsonObject {
  if (!Number.isSafeInteger(version) || version < 1) throw new FormatError('signed.version', 'should be at least 1');
  if (role === '') throw new FormatError('signed.role', 'is empty');
  if (!Number.isSafeInteger(threshold) || threshold < 1)
    throw new FormatError('signed.threshold', 'should be at least 1');
  const listed = new Map<string, JsonValue>(keys.map((key) => [key.keyid, key.json]));
  if (listed.size !== keys.length) throw new FormatError('signed.keys', 'would list a keyid twice');
  checkRotationKeys(keys, threshold);
  const json = toJson({ _type: 'rotate', keys: listed, role, threshold, version });
  return isJsonObject(json) ? json : new Map();
}

/**
 * `signed` of a rotation to the null key (TAP 20): nothing that the role signs is believed any more, until it is
 * delegated to under another name. It comes after the newest rotate file, or takes the place of any of them, signed by a
 * threshold of the keys that this one was signed with.
 */
export function revocationJson({ role, version }: Pick<RotationInput, 'role' | 'version'>): JsonObject {
  return rotationJson({ role, version, keys: [NULL_KEY], threshold: 1 });
}

/**
 * The entry of `meta` that a snapshot needs for a signed rotate file. With length and hash, so that a file signed with
 * keys that are no longer the role's cannot take its place.
 * @throws FormatError
 */
export async function rotationMeta(bytes: Uint8Array): Promise<readonly [string, MetaFile]> {
  const { role, version } = parseRotation(bytes).signed;
  const hashes = new Map([['sha256', await crypto.digest('sha256', bytes)]]);
  return [rotationName(role, version), { version, length: bytes.length, hashes }];
}
