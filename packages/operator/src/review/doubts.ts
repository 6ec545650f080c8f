import { type ClaimFact, parseProjectRole } from '@holdfast/trust';
import type { Judged } from '../signing/judge.ts';

const DAY_MS = 86_400_000;
/** A project that is older, or has more files, has users whom a thief would want. */
const OLD_DAYS = 365;
const MANY_FILES = 20;
/** Claims with one key: a busy developer, or one thief. */
const MANY_CLAIMS = 10;

interface Looking {
  readonly now: Date;
  readonly recentDays: number;
  readonly accepted: boolean;
}

/** What deserves a second look before offline keys stand for a claim, in words. Ages and counts are what the index says. */
export function doubtsAbout(judged: Judged, { now, recentDays, accepted }: Looking): string[] {
  const { claim, verdict, reason } = judged;
  const doubts: string[] = [];
  const age = daysBetween(claim.since, now);
  if (age < recentDays) doubts.push(`claimed ${age === 0 ? 'today' : `${age} ${age === 1 ? 'day' : 'days'} ago`}`);
  const old = claim.firstUpload && daysBetween(claim.firstUpload, claim.since);
  if (old !== undefined && old >= OLD_DAYS)
    doubts.push(`its files are there since ${day(claim.firstUpload)}, its claim is new`);
  if (claim.files >= MANY_FILES) doubts.push(`it has ${claim.files} files`);
  if (verdict === 'vouched') doubts.push(`its keys changed: ${reason}`);
  if (verdict === 'unvouched')
    doubts.push(`${accepted ? 'accepted, though ' : ''}nobody vouches for its keys: ${reason}`);
  if (verdict === 'unproven') doubts.push(reason);
  if ((parseProjectRole(claim.role)?.generation ?? 1) > 1) doubts.push('it was claimed before, under other keys');
  return doubts;
}

/** Keys that many claims have, most first. */
export function sharedKeys(claims: readonly ClaimFact[]): { readonly keyid: string; readonly projects: number }[] {
  const counts = new Map<string, number>();
  for (const { keyid } of claims.flatMap(({ keys }) => keys)) counts.set(keyid, (counts.get(keyid) ?? 0) + 1);
  return Array.from(counts, ([keyid, projects]) => ({ keyid, projects }))
    .filter(({ projects }) => projects >= MANY_CLAIMS)
    .sort((a, b) => b.projects - a.projects || (a.keyid < b.keyid ? -1 : 1));
}

const daysBetween = (from: Date, to: Date): number => Math.floor((to.getTime() - from.getTime()) / DAY_MS);
const day = (at: Date | undefined): string => at?.toISOString().slice(0, 10) ?? '';
