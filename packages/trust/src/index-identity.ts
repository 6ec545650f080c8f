import type { JsonObject, JsonValue, Metadata, Root } from '@holdfast/tuf';
import { OtherIndexError } from './errors.ts';

/** The member of `signed` that says for which index something was signed. */
const MEMBER = 'index';

/**
 * What is to be signed, for one index alone: else whoever controls another index, for which the same keys sign, could publish it there.
 * @param index lower-case hex SHA-256 of the first version of its root: it stays the same wherever the index moves
 */
export function forIndex(signed: JsonObject, index: string): JsonObject {
  return new Map(signed).set(MEMBER, index);
}

/** The index that metadata names; `undefined` when it names none and may be for any. */
export function namedIndex(members: ReadonlyMap<string, JsonValue>): JsonValue | undefined {
  return members.get(MEMBER);
}

/**
 * The index whose root this is: the first root has the fingerprint that names it, later ones say it.
 * @param fingerprint lower-case hex SHA-256 of the root's bytes
 * @returns undefined for a later root that does not say
 */
export function identityOf({ signed }: Metadata<Root>, fingerprint: string): string | undefined {
  if (signed.version === 1) return fingerprint;
  const named = namedIndex(signed.unrecognized);
  return typeof named === 'string' ? named : undefined;
}

/**
 * What names no index may be for any; what names one is for no other.
 * @param own the index that it is offered by; `undefined` when nobody knows
 * @throws OtherIndexError
 */
export function assertForIndex(role: string, members: ReadonlyMap<string, JsonValue>, own: string | undefined): void {
  const named = namedIndex(members);
  if (named === undefined || named === own) return;
  throw new OtherIndexError(role, typeof named === 'string' ? named.slice(0, 64) : typeof named, own);
}
