import type { IncomingHttpHeaders } from 'node:http';
import { acceptsByName } from './content-encoding.ts';

/** RFC 9842 §5: a Zstandard skippable frame of 32 bytes, which the SHA-256 of the dictionary fills. */
const DCZ_MAGIC = Buffer.from('5e2a4d1820000000', 'hex');

/** Structured Field Byte Sequence (RFC 9651 §3.3.5) of 32 bytes. */
const SHA256_FIELD = /^:([A-Za-z0-9+/]{43}=):$/;

/** The content coding `dcz`: one zstd frame with a raw dictionary (RFC 9842 §5). */
export function dczBody(dictionary: string, frame: Uint8Array): Uint8Array {
  return Buffer.concat([DCZ_MAGIC, Buffer.from(dictionary, 'hex'), frame]);
}

/** SHA-256 in hex of the dictionary that the client has and would like used (RFC 9842 §2.2, §6.1); `undefined` without one. */
export function offeredDictionary(headers: IncomingHttpHeaders): string | undefined {
  const field = headers['available-dictionary'];
  const [, base64] = (typeof field === 'string' && SHA256_FIELD.exec(field.trim())) || [];
  if (base64 === undefined || !acceptsByName('dcz', headers['accept-encoding'])) return undefined;
  return Buffer.from(base64, 'base64').toString('hex');
}

/** `Use-As-Dictionary` (RFC 9842 §2.1) of a version of a role, for all versions of it in the same directory. */
export function usableFor(role: string): string {
  return `match="*.${role}.json"`;
}
