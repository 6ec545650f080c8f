import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@holdfast/tuf';

/** What was read is not of the form that it should have; `where` and `problem` say which part. */
export class FieldError extends Error {
  constructor(where: string, problem: string) {
    super(`${where} ${problem}`);
    this.name = 'FieldError';
  }
}

/** Checked access to members of JSON from outside. Each throws {@link FieldError} and names the part. */

export function asObject(value: JsonValue | undefined, where: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new FieldError(where, 'should be an object');
}

export function asArray(value: JsonValue | undefined, where: string): readonly JsonValue[] {
  if (isJsonArray(value)) return value;
  throw new FieldError(where, 'should be a list');
}

export function asText(value: JsonValue | undefined, where: string): string {
  if (typeof value === 'string') return value;
  throw new FieldError(where, 'should be text');
}

/** Text that is shown to people: nothing in it may steer a terminal or reorder text. */
export function asPlainText(value: JsonValue | undefined, where: string): string {
  const text = asText(value, where);
  if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return text;
  throw new FieldError(where, 'has characters that cannot be shown');
}

/** A whole number from 0. */
export function asInteger(value: JsonValue | undefined, where: string): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new FieldError(where, 'should be a whole number');
}

/** A point in time in ISO 8601, UTC. */
export function asTime(value: JsonValue | undefined, where: string): Date {
  const time = new Date(asText(value, where));
  if (Number.isNaN(time.getTime())) throw new FieldError(where, 'should be a time');
  return time;
}
