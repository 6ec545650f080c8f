import type { JsonValue } from '@holdfast/tuf';
import { namedIndex } from '../index-identity.ts';
import { TransactionRefusedError } from './refused.ts';

/** What does not say for which index it is may be for any. @throws TransactionRefusedError (`OTHER_INDEX`) */
export function checkIndex(role: string, signed: ReadonlyMap<string, JsonValue>, index: string): void {
  const own = namedIndex(signed);
  if (own === undefined || own === index) return;
  throw new TransactionRefusedError(
    'OTHER_INDEX',
    role,
    `it was signed for another index: ${JSON.stringify(own)} instead of ${index}. Sign what is meant for this one.`,
  );
}
