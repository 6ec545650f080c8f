/**
 * JSON as signed metadata needs it: objects are Maps in the order of the file, so that no name an attacker chooses
 * (`__proto__`, `constructor`, `10`) means anything; numbers are integers that a double holds exactly.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** Members by name, in the order of the file. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** Whether a value is an object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Whether a value is an array. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
