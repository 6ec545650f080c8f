import { UploadFormError } from '../errors.ts';
import { optional } from './fields.ts';

/** Digests of the file as the client computed them, in lower-case hex. */
export interface UploadDigests {
  readonly sha256?: string;
  /** BLAKE2b with 256 bits of output. */
  readonly blake2_256?: string;
  readonly md5?: string;
}

/** @throws UploadFormError when a digest is malformed, or none is strong enough to compare the file with. */
export function readDigests(form: ReadonlyMap<string, readonly string[]>): UploadDigests {
  const sha256 = readHex(form, 'sha256_digest', 64);
  const blake2 = readHex(form, 'blake2_256_digest', 64);
  const md5 = readMd5(form);
  if (sha256 === undefined && blake2 === undefined)
    throw new UploadFormError(
      'UPLOAD_DIGEST_MISSING',
      'sha256_digest',
      'the form has neither sha256_digest nor blake2_256_digest; send one, so that a damaged upload is noticed',
    );
  return {
    ...(sha256 !== undefined && { sha256 }),
    ...(blake2 !== undefined && { blake2_256: blake2 }),
    ...(md5 !== undefined && { md5 }),
  };
}

function readHex(form: ReadonlyMap<string, readonly string[]>, field: string, digits: number): string | undefined {
  const value = optional(form, field)?.toLowerCase();
  if (value === undefined || (value.length === digits && /^[0-9a-f]+$/.test(value))) return value;
  throw new UploadFormError('UPLOAD_FIELD_INVALID', field, `${field} is not ${digits} hexadecimal digits`);
}

/** Clients write it in hex; the upload protocol's description says base64 for addresses, without padding (22 characters). */
function readMd5(form: ReadonlyMap<string, readonly string[]>): string | undefined {
  const field = 'md5_digest';
  const value = optional(form, field);
  if (value === undefined || !/^[A-Za-z0-9_-]{22}$/.test(value)) return readHex(form, field, 32);
  const bytes = atob(`${value.replaceAll('-', '+').replaceAll('_', '/')}==`);
  return Array.from(bytes, (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}
