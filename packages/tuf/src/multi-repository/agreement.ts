import { HASH_ALGORITHMS } from '../client/digests.ts';
import type { TargetFile } from '../model.ts';
import type { ListedStatement } from './statement.ts';

/**
 * Whether two repositories announce the same content: the same length, at least one hash that is known here in common,
 * and no common hash that differs. `custom` may differ (TAP 4).
 */
export function announceSame(a: TargetFile, b: TargetFile): boolean {
  if (a.length !== b.length || !HASH_ALGORITHMS.some((known) => a.hashes.has(known) && b.hashes.has(known)))
    return false;
  for (const [algorithm, hash] of a.hashes) if ((b.hashes.get(algorithm) ?? hash) !== hash) return false;
  return true;
}

/**
 * The first `count` of the statements, in their order, of which each announces the same as each other. Pairwise, as two
 * that agree with a third on different algorithms may contradict one another.
 */
export function firstInAgreement(
  statements: readonly ListedStatement[],
  count: number,
  chosen: readonly ListedStatement[] = [],
): readonly ListedStatement[] | undefined {
  if (chosen.length === count) return chosen;
  for (const [index, statement] of statements.entries()) {
    if (statements.length - index < count - chosen.length) return undefined;
    if (!chosen.every(({ info }) => announceSame(info.file, statement.info.file))) continue;
    const found = firstInAgreement(statements.slice(index + 1), count, [...chosen, statement]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How many of the statements agree, but not more than `atMost`. */
export function largestAgreement(statements: readonly ListedStatement[], atMost: number): number {
  let size = Math.min(atMost, statements.length);
  while (firstInAgreement(statements, size) === undefined) size--;
  return size;
}

/** What the content must be for all of them: the length and every hash that one of them announces. */
export function mergedFile(first: TargetFile, others: readonly TargetFile[]): TargetFile {
  const hashes = new Map(first.hashes);
  for (const { hashes: more } of others) for (const [algorithm, hash] of more) hashes.set(algorithm, hash);
  return { ...first, hashes };
}
