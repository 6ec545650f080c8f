import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * API tokens: `hf_`, 43 base62 digits that hold 256 random bits, 6 base62 digits of CRC-32 over all before them. The prefix
 * and the checksum let secret scanners recognise a token without asking and without false alarms.
 */
const PREFIX = 'hf_';
const SECRET_DIGITS = 43;
const CHECK_DIGITS = 6;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_DIGITS + CHECK_DIGITS}}$`);

/** A new token. It is shown once; the index keeps `tokenDigest` of it. */
export function newToken(): string {
  const secret = BigInt(`0x${randomBytes(32).toString('hex')}`);
  const body = PREFIX + base62(secret, SECRET_DIGITS);
  return body + checksum(body);
}

/** Whether text has the shape of a token and its checksum is right: what can be said without the records. */
export function looksLikeToken(text: string): boolean {
  return SHAPE.test(text) && checksum(text.slice(0, -CHECK_DIGITS)) === text.slice(-CHECK_DIGITS);
}

/** What is stored of a token: with 256 random bits inside, a fast hash is enough. */
export function tokenDigest(token: string): string {
  return hash('sha256', token, 'hex');
}

const checksum = (body: string): string => base62(BigInt(crc32(body)), CHECK_DIGITS);

function base62(value: bigint, digits: number): string {
  let text = '';
  for (let rest = value; text.length < digits; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text;
  return text;
}
