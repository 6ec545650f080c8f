import { hash } from 'node:crypto';

/** SHA-256 of the UTF-8 bytes of `text`, as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}

/** SHA-256 of bytes, as 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  return hash('sha256', message, 'buffer');
}

/** Writes SHA-256 of bytes to `target` from `at` on. */
export function sha256Into(message: Uint8Array, target: Uint8Array, at: number): void {
  // A string of bytes is made in a third of the time that a buffer takes.
  const bytes = hash('sha256', message, 'binary');
  for (let index = 0; index < 32; index++) target[at + index] = bytes.charCodeAt(index);
}
