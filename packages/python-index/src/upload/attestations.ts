import { UploadFormError } from '../errors.ts';

/** Longest attestations field, in characters; real ones have about 5 000 for each attestation. */
const MAX_LENGTH = 256 * 1024;

/**
 * The `attestations` field (PEP 740), a JSON array of objects, which uv sends *after* the file. Well-formed or refused:
 * dropping a broken one would leave its sender in the belief that it was kept.
 */
export function readAttestations(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const refuse = (reason: string, cause?: unknown): never => {
    throw new UploadFormError('UPLOAD_FIELD_INVALID', 'attestations', `the attestations are refused: ${reason}`, {
      cause,
    });
  };
  if (value.length > MAX_LENGTH) return refuse(`they are longer than ${MAX_LENGTH} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (cause) {
    return refuse('they are not JSON', cause);
  }
  const isObject = (item: unknown): boolean => typeof item === 'object' && item !== null && !Array.isArray(item);
  if (!Array.isArray(parsed) || !parsed.every(isObject)) return refuse('they are not a JSON array of objects');
  return value;
}
