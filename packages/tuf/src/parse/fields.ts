import { FormatError } from '../errors.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';

/** Checked access to members; `where` names the object in the error. */

export function asObject(value: JsonValue | undefined, where: string): JsonObject {
  if (!isJsonObject(value)) throw new FormatError(where, 'should be an object');
  return value;
}

export function asArray(value: JsonValue | undefined, where: string): readonly JsonValue[] {
  if (!isJsonArray(value)) throw new FormatError(where, 'should be an array');
  return value;
}

export function asString(value: JsonValue | undefined, where: string): string {
  if (typeof value !== 'string') throw new FormatError(where, 'should be a string');
  return value;
}

export function asInteger(value: JsonValue | undefined, minimum: number, where: string): number {
  if (typeof value !== 'number' || value < minimum)
    throw new FormatError(where, `should be an integer of at least ${minimum}`);
  return value;
}

export function asStrings(value: JsonValue | undefined, where: string): readonly string[] {
  return asArray(value, where).map((item) => asString(item, where));
}

/** Missing counts as false: the field is optional in practice (`consistent_snapshot`, `terminating`). */
export function asFlag(value: JsonValue | undefined, where: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw new FormatError(where, 'should be true or false');
  return value;
}

export function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  const rest = new Map<string, JsonValue>();
  for (const [name, value] of object) if (!names.has(name)) rest.set(name, value);
  return rest;
}
