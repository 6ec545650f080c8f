import { createHash } from 'node:crypto';
import { canonicalize, encodeJson } from '@holdfast/tuf';
import type { NextRole } from './next-role.ts';

/** What is signed of a role, and what goes into its file: the same bytes unless they have control characters. */
export interface Payload {
  /** Canonical JSON: what a signature is made over. */
  readonly canonical: Uint8Array;
  /** SHA-256 of it, lower-case hex. */
  readonly sha256: string;
  /** The `signed` member of the file. */
  readonly signed: Uint8Array;
}

export function payloadOf(role: NextRole): Payload {
  const json = role.json();
  const canonical = canonicalize(json);
  const sha256 = createHash('sha256').update(canonical).digest('hex');
  return { canonical, sha256, signed: canonical.some((byte) => byte < 0x20) ? encodeJson(json) : canonical };
}
