import { hash } from 'node:crypto';
import { type KeysAndThreshold, keysFromJson } from '@holdfast/trust';
import { isJsonObject, parseJson } from '@holdfast/tuf';
import type { Insertable } from 'kysely';
import { keysText } from '../publish/standing-rows.ts';
import type { TransactionRolesTable } from '../records/claims-schema.ts';

/** Rotate files have no end. */
export const NEVER: number = Number.MAX_SAFE_INTEGER;

/** A role, or rotate file, of a transaction. @param expires_at milliseconds since 1970 UTC */
export function roleRow(
  transaction_id: number,
  role: string,
  version: number,
  expires_at: number,
  bytes: Uint8Array,
): Insertable<TransactionRolesTable> {
  return { transaction_id, role, version, expires_at, sha256: hash('sha256', bytes), length: bytes.length, bytes };
}

/** `{"keys": …, "threshold": …}`, as `transactions` keeps it. */
export function claimText({ keys, threshold }: KeysAndThreshold): string {
  return `{"keys":${keysText(keys.values())},"threshold":${threshold}}`;
}

/** What {@link claimText} wrote. */
export function claimOf(text: string): KeysAndThreshold {
  const claim = parseJson(new TextEncoder().encode(text));
  const [keys, threshold] = isJsonObject(claim) ? [claim.get('keys'), claim.get('threshold')] : [];
  return { keys: keysFromJson(keys), threshold: Number(threshold) };
}
