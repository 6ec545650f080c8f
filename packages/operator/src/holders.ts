import type { PublicKey } from '@holdfast/tuf';
import { HoldersError } from './errors.ts';

/** Roles that only holders of offline keys sign; what is said of a tree's top holds for all of its roles. */
export const OFFLINE_ROLES = ['root', 'targets', 'claimed', 'rarely-updated'] as const;
export type OfflineRole = (typeof OFFLINE_ROLES)[number];

/** Whose keys an offline signing can change: those of the offline roles, and of all that the index signs by itself. */
export type HolderRole = OfflineRole | 'online';

/** Who signs a role: so many different keys of these. */
export interface Holders {
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
}

export function isOfflineRole(text: string): text is OfflineRole {
  return (OFFLINE_ROLES as readonly string[]).includes(text);
}

/** @throws HoldersError for keys or a threshold with which nobody could ever sign */
export function assertReachable(role: string, { keys, threshold }: Holders): void {
  const different = new Set(keys.map((key) => (key.public === '' ? key.keyid : key.public)));
  if (new Set(keys.map(({ keyid }) => keyid)).size !== keys.length || different.size !== keys.length)
    throw new HoldersError(`a key is named twice for ${role}`);
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > keys.length)
    throw new HoldersError(`${role} has ${keys.length} keys, so ${threshold} of them cannot be needed`);
}
