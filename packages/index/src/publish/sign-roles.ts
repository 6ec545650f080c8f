import { hash } from 'node:crypto';
import { binRoleJson } from '@holdfast/trust';
import { roleOf, type TreeRole } from './bin-roles.ts';
import type { SigningKeys } from './signing-keys.ts';
import { signInThreads } from './signing-threads.ts';

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

/** A role of a bin tree that is to be signed. */
export interface RoleToSign extends TreeRole {
  readonly version: number;
  readonly expires: Date;
}

/** Signed bytes with what the records say about them. */
export function signedRole(role: string, version: number, expires: Date, bytes: Uint8Array): SignedRole {
  return { role, version, expiresAt: expires.getTime(), sha256: hash('sha256', bytes), length: bytes.length, bytes };
}

/** Roles that are signed in this thread before others are begun: starting those takes as long as signing some hundreds. */
const SIGNED_HERE = 1_000;

/**
 * Signs roles of the bin trees in the order in which they come: the first thousand here, further ones in worker threads when the
 * private keys are in this process. It asks for the next ones while it works and holds few at a time, so any number may come.
 */
export async function* signRoles(
  roles: Iterable<RoleToSign> | AsyncIterable<RoleToSign>,
  keys: SigningKeys,
): AsyncGenerator<SignedRole, void> {
  const here = keys.tops.every((top) => keys.local(top).length > 0) ? SIGNED_HERE : Number.POSITIVE_INFINITY;
  const coming = each(roles);
  try {
    for (let signed = 0; signed < here; signed++) {
      const next = await coming.next();
      if (next.done === true) return;
      const { top, bin, version, expires } = next.value;
      const bytes = await keys.sign(top, binRoleJson(top, bin, version, expires, keys.delegation(top)));
      yield signedRole(roleOf(next.value), version, expires, bytes);
    }
    yield* signInThreads(coming, keys);
  } finally {
    await coming.return();
  }
}

async function* each<T>(list: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield* list;
}
