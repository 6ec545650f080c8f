/**
 * JSON as signed metadata needs it: objects are Maps in the order of the file, so that no name an attacker chooses
 * (`__proto__`, `constructor`, `10`) means anything; numbers are integers that a double holds exactly.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
