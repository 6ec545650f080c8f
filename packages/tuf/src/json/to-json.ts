import { FormatError } from '../errors.ts';
import type { JsonValue } from './value.ts';

/**
 * Turns a tree of plain objects, arrays and Maps written by a programmer into a {@link JsonValue}.
 * Members that are `undefined` are left out. Not for data from outside: that goes through `parseJson`.
 * @throws FormatError for anything that metadata cannot hold
 */
export function toJson(value: unknown): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new FormatError('number', `${value} is not an integer within ±(2^53-1)`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => toJson(item));
  if (value instanceof Map) return objectFrom(value.entries());
  if (typeof value === 'object' && isPlain(value)) return objectFrom(Object.entries(value));
  throw new FormatError('value', `${typeof value} cannot stand in metadata`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function objectFrom(entries: Iterable<[unknown, unknown]>): JsonValue {
  const object = new Map<string, JsonValue>();
  for (const [name, member] of entries) {
    if (typeof name !== 'string') throw new FormatError('name', 'names are strings');
    if (member !== undefined) object.set(name, toJson(member));
  }
  return object;
}
