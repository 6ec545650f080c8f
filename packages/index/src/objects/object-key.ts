import { InvalidObjectKeyError } from '../errors.ts';

/** One part of a key: what file names and role names need, nothing that a file system or a URL reads differently. */
const PART = /^[A-Za-z0-9_+!~-][A-Za-z0-9._+!~-]{0,254}$/;
const MAX_PARTS = 8;

/** The parts of a key. @throws InvalidObjectKeyError for a key that could name anything outside the store, or a temporary file. */
export function keyParts(key: string): readonly string[] {
  const parts = key.split('/', MAX_PARTS + 1);
  if (parts.length > MAX_PARTS || !parts.every((part) => PART.test(part))) throw new InvalidObjectKeyError(key);
  return parts;
}

/** The directory that a listing of `prefix` begins in: empty, or ending in a slash. @throws InvalidObjectKeyError */
export function listingStart(prefix: string): string {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (start !== '') keyParts(start.slice(0, -1));
  return start;
}
