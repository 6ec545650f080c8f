import type { CaseAnswer, LookupAnswer, StepAnswer } from '../peers/protocol.ts';

export interface Disagreement {
  readonly step: number;
  /** The path that was looked up; without one, the refresh. */
  readonly path?: string;
  readonly ours: string;
  readonly theirs: string;
}

/** Where a peer answers other than we do. After a refresh on which they disagree the caches differ, so nothing more is compared. */
export function compare(ours: CaseAnswer, theirs: CaseAnswer, lookups: readonly string[]): readonly Disagreement[] {
  const found: Disagreement[] = [];
  for (const [step, mine] of ours.steps.entries()) {
    const other = theirs.steps[step];
    if (other === undefined) throw new Error('a step without an answer');
    if ((mine.refused === undefined) !== (other.refused === undefined))
      return [...found, { step, ours: refresh(mine), theirs: refresh(other) }];
    if (mine.refused !== undefined) continue;
    for (const [index, path] of lookups.entries()) {
      const [left, right] = [lookup(mine.lookups[index]), lookup(other.lookups[index])];
      if (verdict(left) !== verdict(right)) found.push({ step, path, ours: left, theirs: right });
    }
  }
  return found;
}

function refresh({ refused }: StepAnswer): string {
  return refused === undefined ? 'refreshed' : `refused: ${refused}`;
}

function lookup(answer: LookupAnswer | undefined): string {
  if (answer === undefined) throw new Error('a lookup without an answer');
  if (answer.refused !== undefined) return `refused: ${answer.refused}`;
  if (answer.length === undefined) return 'not found';
  const hashes = Object.entries(answer.hashes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return `length ${answer.length}, ${hashes.map(([name, hash]) => `${name} ${hash}`).join(', ')}`;
}

/** Whatever the reason, refused is refused. */
function verdict(answer: string): string {
  return answer.startsWith('refused') ? 'refused' : answer;
}
