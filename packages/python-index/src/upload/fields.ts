import { UploadFormError } from '../errors.ts';

/**
 * The fields with the habits of old clients taken out: the value `UNKNOWN` means "not given", as does an empty one, and a
 * NUL, which no text column can hold, is written as an escape.
 */
export function cleanFields(fields: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const clean = new Map<string, readonly string[]>();
  for (const [name, values] of fields) {
    const given = values
      .map((value) => value.trim())
      .filter((value) => value !== '' && value !== 'UNKNOWN')
      .map((value) => value.replaceAll('\0', '\\x00'));
    if (given.length > 0) clean.set(name, given);
  }
  return clean;
}

/** The one value of a field that has room for one. The same value twice is harmless; two different ones are ambiguous. */
export function optional(fields: ReadonlyMap<string, readonly string[]>, name: string): string | undefined {
  const values = new Set(fields.get(name));
  if (values.size > 1)
    throw new UploadFormError('UPLOAD_FIELD_REPEATED', name, `the form field ${name} has several values; send one`);
  const [value] = values;
  return value;
}

export function required(fields: ReadonlyMap<string, readonly string[]>, name: string): string {
  const value = optional(fields, name);
  if (value === undefined)
    throw new UploadFormError('UPLOAD_FIELD_MISSING', name, `the form field ${name} is missing; send it with the file`);
  return value;
}
