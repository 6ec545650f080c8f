import { hash } from 'node:crypto';
import { type BinRole, UNCLAIMED } from '@holdfast/trust';
import { binRoleJson, roleOf } from './bin-roles.ts';
import type { SigningKeys } from './signing-keys.ts';

/** New signed bytes of a role. */
export interface SignedRole {
  readonly role: string;
  readonly version: number;
  /** Milliseconds since 1970 UTC, as signed. */
  readonly expiresAt: number;
  /** Of the bytes, lower-case hex: computed once, here. */
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** A role of the bin tree that is to be signed. */
export interface RoleToSign {
  readonly bin: BinRole;
  readonly version: number;
  readonly expires: Date;
}

/** Signed bytes with what the records say about them. */
export function signedRole(role: string, version: number, expires: Date, bytes: Uint8Array): SignedRole {
  return { role, version, expiresAt: expires.getTime(), sha256: hash('sha256', bytes), length: bytes.length, bytes };
}

/**
 * Signs roles of the bin tree in the order in which they come. It asks for the next ones while it works and holds few at a
 * time, so any number may come.
 */
export async function* signRoles(
  roles: Iterable<RoleToSign> | AsyncIterable<RoleToSign>,
  keys: SigningKeys,
): AsyncGenerator<SignedRole, void> {
  for await (const { bin, version, expires } of roles) {
    const bytes = await keys.sign(UNCLAIMED, binRoleJson(bin, version, expires, keys));
    yield signedRole(roleOf(bin), version, expires, bytes);
  }
}
