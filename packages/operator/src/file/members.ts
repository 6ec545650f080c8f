import { asProjectName, type ProjectName } from '@holdfast/python-index';
import { FormatError, isJsonObject, type JsonObject, type JsonValue, type PublicKey, toJson } from '@holdfast/tuf';

/** Strict reading of the members of an entry: a wrong one is a FormatError that names it. */

export function stringOf(head: JsonObject, name: string): string {
  const value = head.get(name);
  if (typeof value !== 'string') throw new FormatError(name, 'should be a string');
  return value;
}

export function integerOf(head: JsonObject, name: string, least = 0): number {
  const value = head.get(name);
  if (typeof value !== 'number' || value < least)
    throw new FormatError(name, `should be an integer of at least ${least}`);
  return value;
}

export function dateOf(head: JsonObject, name: string): Date {
  const text = stringOf(head, name);
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw new FormatError(name, 'is no moment in UTC');
  return date;
}

export function objectOf(head: JsonObject, name: string): JsonObject {
  const value = head.get(name);
  if (!isJsonObject(value)) throw new FormatError(name, 'should be an object');
  return value;
}

export function projectOf(head: JsonObject): ProjectName {
  const name = asProjectName(stringOf(head, 'project'));
  if (name === undefined) throw new FormatError('project', 'is no normalized name');
  return name;
}

/** Keys by keyid, as metadata lists them. */
export function keysOf(head: JsonObject, name = 'keys'): readonly PublicKey[] {
  return Array.from(objectOf(head, name), ([keyid, json]) => keyOf(keyid, json));
}

export function keysJson(keys: readonly PublicKey[]): JsonValue {
  const sorted = [...keys].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return toJson(new Map(sorted.map(({ keyid, json }) => [keyid, json])));
}

function keyOf(keyid: string, json: JsonValue): PublicKey {
  if (!isJsonObject(json)) throw new FormatError(`keys["${keyid}"]`, 'should be an object');
  const material = objectOf(json, 'keyval').get('public');
  return {
    keyid,
    keytype: stringOf(json, 'keytype'),
    scheme: stringOf(json, 'scheme'),
    public: typeof material === 'string' ? material : '',
    json,
  };
}

/** @throws FormatError when it has members that this format does not know */
export function assertMembers(head: JsonObject, ...names: readonly string[]): void {
  for (const name of head.keys())
    if (name !== 'entry' && name !== 'length' && !names.includes(name)) throw new FormatError(name, 'is unknown');
}
