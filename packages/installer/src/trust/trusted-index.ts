import { InvalidInputError } from '../errors.ts';
import { parseMirrorUrl } from '../fetch/mirror.ts';

/** An index that this user decided to trust. */
export interface TrustedIndex {
  readonly name: string;
  /** Mirrors in order of preference. May hold credentials: show them through {@link withoutCredentials} only. */
  readonly urls: readonly string[];
  /** SHA-256, in hex, of the root metadata that trust began with. */
  readonly fingerprint: string;
  readonly addedAt: Date;
  /** Where its root and its verified metadata are kept. */
  readonly directory: string;
}

/** What trust.json holds. */
export function writeTrust({ name, urls, fingerprint, addedAt }: TrustedIndex): string {
  return `${JSON.stringify({ format: 1, name, urls, fingerprint, addedAt: addedAt.toISOString() }, undefined, 2)}\n`;
}

/** @throws InvalidInputError when the file is not what {@link writeTrust} writes */
export function readTrust(text: string, directory: string): TrustedIndex {
  const refuse = (why: string): never => {
    throw new InvalidInputError('trust file', directory, why);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('is not JSON');
  }
  if (typeof value !== 'object' || value === null) return refuse('is not an object');
  const fields = new Map<string, unknown>(Object.entries(value));
  if (fields.get('format') !== 1) refuse('has a format that this version of Holdfast does not know');
  const name = checkIndexName(String(fields.get('name')));
  const listed = fields.get('urls');
  const urls = Array.isArray(listed) ? listed.map((url: unknown) => parseMirrorUrl(String(url)).href) : [];
  if (urls.length === 0) refuse('names no address');
  const fingerprint = checkFingerprint(String(fields.get('fingerprint')));
  const addedAt = new Date(String(fields.get('addedAt')));
  if (Number.isNaN(addedAt.getTime())) refuse('has no date');
  return { name, urls, fingerprint, addedAt, directory };
}

/** A name becomes a directory and a part of addresses: small letters, digits, and `.`, `_`, `-` inside. */
export function checkIndexName(name: string): string {
  if (!/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/.test(name))
    throw new InvalidInputError(
      'index name',
      name,
      'must be 1 to 64 small letters, digits, dots, dashes or underscores',
    );
  return name;
}

/** Accepts upper case, spaces and colons, as people copy fingerprints from paper. */
export function checkFingerprint(text: string): string {
  const hex = text.replaceAll(/[\s:]/g, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex))
    throw new InvalidInputError('fingerprint', text, 'must be the 64 hex digits of a SHA-256');
  return hex;
}

/** An address that can be shown and logged. */
export function withoutCredentials(url: string): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}
