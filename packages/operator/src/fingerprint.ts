import { createHash } from 'node:crypto';

/**
 * The fingerprint of root metadata: SHA-256 of its bytes, 64 lower-case hex digits. It fits on paper, and whoever has it
 * can check the root that an index serves (P5, P13).
 */
export function rootFingerprint(root: Uint8Array): string {
  return createHash('sha256').update(root).digest('hex');
}
