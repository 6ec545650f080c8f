import type { JsonObject, JsonValue } from '@holdfast/tuf';
import { TransactionRefusedError } from './refused.ts';

/** The member of `signed` that says for which index something was signed. */
const MEMBER = 'index';

/**
 * What is to be signed, for one index alone: else whoever holds a token of another index, where the same keys claimed the same project,
 * could publish it there.
 * @param index lower-case hex SHA-256 of the first version of its root
 */
export function forIndex(signed: JsonObject, index: string): JsonObject {
  return new Map(signed).set(MEMBER, index);
}

/** What does not say for which index it is may be for any. @throws TransactionRefusedError (`OTHER_INDEX`) */
export function checkIndex(role: string, signed: ReadonlyMap<string, JsonValue>, index: string): void {
  const own = signed.get(MEMBER);
  if (own === undefined || own === index) return;
  throw new TransactionRefusedError(
    'OTHER_INDEX',
    role,
    `it was signed for another index: ${JSON.stringify(own)} instead of ${index}. Sign what is meant for this one.`,
  );
}
