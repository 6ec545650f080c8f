const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** Bytes that become text at once: each digit is an argument of a call. */
const CHUNK = 2048;

/**
 * Lower-case hex. Made of one piece: a text that is added up pair by pair keeps all its pairs in memory, a kilobyte for a SHA-256,
 * and there may be millions of them.
 */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length > CHUNK) return toHex(bytes.subarray(0, CHUNK)) + toHex(bytes.subarray(CHUNK));
  const codes: number[] = [];
  for (const byte of bytes) codes.push(DIGITS[byte >>> 4] ?? 0, DIGITS[byte & 15] ?? 0);
  return String.fromCharCode(...codes);
}
