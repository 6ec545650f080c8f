import { createHash } from 'node:crypto';
import type { ArchiveLimits } from '@holdfast/python-index';
import { firstDifference, type LineDifference } from './first-difference.ts';
import { type Member, readMembers } from './members.ts';

/** In what one member differs. */
export type Aspect = 'only in the first' | 'only in the second' | 'content' | 'time' | 'mode' | 'packing';

export interface MemberDifference {
  readonly path: string;
  readonly aspects: readonly Aspect[];
  readonly first: Facts | undefined;
  readonly second: Facts | undefined;
  /** Of text: the first line that differs. */
  readonly line: LineDifference | undefined;
}

export type Facts = Omit<Member, 'content' | 'path'>;

export interface WheelComparison {
  readonly identical: boolean;
  readonly first: Whole;
  readonly second: Whole;
  readonly members: readonly MemberDifference[];
  /** The same members stand in another order. */
  readonly reordered: boolean;
}

/** A wheel as a whole: bytes, and lower-case hex. */
export interface Whole {
  readonly size: number;
  readonly sha256: string;
}

/**
 * Compares two wheels byte for byte and, where they are not the same, member for member: what a maintainer needs to know to make
 * a build reproducible, or to see that somebody lies.
 * @throws ArchiveError when one is no sound ZIP archive, or unpacks to more than the limits allow
 */
export async function compareWheels(
  a: Uint8Array,
  b: Uint8Array,
  limits: Partial<ArchiveLimits> = {},
): Promise<WheelComparison> {
  const [first, second] = [whole(a), whole(b)];
  if (first.sha256 === second.sha256) return { identical: true, first, second, members: [], reordered: false };
  const [inFirst, inSecond] = [await readMembers(a, limits), await readMembers(b, limits)];
  const others = new Map(inSecond.map((member) => [member.path, member]));
  const own = new Set(inFirst.map(({ path }) => path));
  const differences = [
    ...inFirst.map((member) => difference(member, others.get(member.path))),
    ...inSecond.filter(({ path }) => !own.has(path)).map((member) => difference(undefined, member)),
  ];
  const common = (list: readonly Member[]): string =>
    list
      .map(({ path }) => path)
      .filter((path) => own.has(path) && others.has(path))
      .join('\n');
  return {
    identical: false,
    first,
    second,
    members: differences.filter((found) => found !== undefined),
    reordered: common(inFirst) !== common(inSecond),
  };
}

const whole = (bytes: Uint8Array): Whole => ({
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

function difference(first: Member | undefined, second: Member | undefined): MemberDifference | undefined {
  const path = (first ?? second)?.path ?? '';
  const facts = { path, first: first && factsOf(first), second: second && factsOf(second) };
  if (!first || !second)
    return { ...facts, aspects: [first ? 'only in the first' : 'only in the second'], line: undefined };
  const aspects: Aspect[] = [];
  const same = first.sha256 === second.sha256;
  if (!same) aspects.push('content');
  if (first.modified !== second.modified) aspects.push('time');
  if (first.mode !== second.mode) aspects.push('mode');
  if (same && first.packed !== second.packed) aspects.push('packing');
  if (aspects.length === 0) return undefined;
  return { ...facts, aspects, line: same ? undefined : firstDifference(first.content, second.content) };
}

const factsOf = ({ size, packed, sha256, modified, mode }: Member): Facts => ({ size, packed, sha256, modified, mode });
