import type { PublicKey, RoleKeys, Signer } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';

/** Whose keys can be stolen apart from the others': the roles of the maximum security model, and two people with keys of their own. */
export const KEY_ROLES = [
  'root',
  'targets',
  'claimed',
  'rarely-updated',
  'recently-claimed',
  'unclaimed',
  'snapshot',
  'timestamp',
  'developer',
  'delegate',
] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** All keys of a role, and how many have to sign. */
export interface KeySet {
  readonly signers: readonly Signer[];
  readonly threshold: number;
}
export type Keys = Readonly<Record<KeyRole, KeySet>>;

/** Of offline roles several people hold a key each, and one alone can sign nothing. */
const HOLDERS: Readonly<Partial<Record<KeyRole, { readonly keys: number; readonly threshold: number }>>> = {
  root: { keys: 3, threshold: 2 },
  targets: { keys: 2, threshold: 2 },
  claimed: { keys: 2, threshold: 2 },
  'rarely-updated': { keys: 2, threshold: 2 },
};

/** Another key for each holder of each role. */
export async function makeKeys(): Promise<Keys> {
  const made = KEY_ROLES.map(async (role) => [role, await newKeys(role)] as const);
  return Object.fromEntries(await Promise.all(made)) as Record<KeyRole, KeySet>;
}

/** New keys for the holders of one role. */
export async function newKeys(role: KeyRole): Promise<KeySet> {
  const { keys, threshold } = HOLDERS[role] ?? { keys: 1, threshold: 1 };
  return { signers: await Promise.all(Array.from({ length: keys }, () => generateKey('ed25519'))), threshold };
}

/** As who delegates to them names them. */
export function roleKeysOf({ signers, threshold }: KeySet): RoleKeys {
  return { keyids: signers.map(({ key }) => key.keyid), threshold };
}

/** The public parts by keyid. */
export function publicKeys(...sets: readonly KeySet[]): ReadonlyMap<string, PublicKey> {
  return new Map(sets.flatMap(({ signers }) => signers.map(({ key }) => [key.keyid, key] as const)));
}
