import { FormatError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import type { RoleKeys, SignedCommon } from '../model.ts';
import { asInteger, asObject, asString, asStrings, without } from './fields.ts';

const COMMON_NAMES: readonly string[] = ['_type', 'spec_version', 'version', 'expires'];

/** §4.3: the members that every role's `signed` has; `ownNames` are those that the role's own reader takes. */
export function parseCommon(signed: JsonObject, type: string, ownNames: readonly string[]): SignedCommon {
  const actual = asString(signed.get('_type'), 'signed._type');
  if (actual !== type) throw new FormatError('signed._type', `should be ${type}`);
  return {
    version: asInteger(signed.get('version'), 1, 'signed.version'),
    specVersion: parseSpecVersion(asString(signed.get('spec_version'), 'signed.spec_version')),
    expires: parseExpires(asString(signed.get('expires'), 'signed.expires')),
    unrecognized: without(signed, new Set([...COMMON_NAMES, ...ownNames])),
  };
}

/** TAP 6: the major version decides; two numbers are accepted as older repositories write them. */
function parseSpecVersion(text: string): string {
  if (!/^\d{1,9}\.\d{1,9}(\.\d{1,9})?$/.test(text))
    throw new FormatError('signed.spec_version', 'should look like 1.0.34');
  if (!/^0*1\./.test(text))
    throw new FormatError('signed.spec_version', `${text} is not a version 1 of the specification`);
  return text;
}

/** §4.2.1: `YYYY-MM-DDTHH:MM:SSZ` and nothing else; days that no calendar has are refused. */
export function parseExpires(text: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) || Number.isNaN(date.getTime()) || formatExpires(date) !== text) {
    throw new FormatError('signed.expires', 'should look like 2026-11-21T06:00:00Z');
  }
  return date;
}

/** Seconds are cut off, never rounded up: metadata must not live longer than was meant. */
export function formatExpires(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export function parseRoleKeys(object: JsonObject, where: string): RoleKeys {
  const keyids = asStrings(object.get('keyids'), `${where}.keyids`);
  if (new Set(keyids).size !== keyids.length) throw new FormatError(`${where}.keyids`, 'lists a keyid twice');
  return { keyids, threshold: asInteger(object.get('threshold'), 1, `${where}.threshold`) };
}

/** Hashes by algorithm: at least one (an empty list would protect nothing), each lower-case hex. */
export function parseHashes(value: JsonValue | undefined, where: string): ReadonlyMap<string, string> {
  const object = asObject(value, where);
  if (object.size === 0) throw new FormatError(where, 'is empty');
  if (!isHashes(object)) throw new FormatError(where, 'should hold lower-case hexadecimal strings');
  return object;
}

function isHashes(object: JsonObject): object is ReadonlyMap<string, string> {
  for (const hash of object.values()) if (typeof hash !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(hash)) return false;
  return true;
}
