import { binPrefix, CLAIMED, CLOSED, RARELY_UPDATED } from '@holdfast/trust';
import { type RawBuilder, sql } from 'kysely';

/**
 * Roles that others sign: holders of offline keys, or developers. The index cannot make them again, so their newest bytes stay in the
 * records.
 */
export function isKept(role: string): boolean {
  if (role === 'targets' || role === CLOSED || role.startsWith('project.') || isRotation(role)) return true;
  return binPrefix(CLAIMED, role) !== undefined || binPrefix(RARELY_UPDATED, role) !== undefined;
}

/** Whether the name is that of a rotate file (TAP 8) rather than of a role. */
export const isRotation = (role: string): boolean => role.startsWith('rotate/');

/** {@link isKept} of the column `role`. */
export const IS_KEPT: RawBuilder<boolean> = sql<boolean>`(role = 'targets' or role like 'project.%' or role like 'rotate/%'
  or role = 'claimed' or role like 'claimed.%' or role = 'rarely-updated' or role like 'rarely-updated.%')`;
