/** How much more may be compared: patterns can be made so that an exact answer takes for ever. */
export interface ComparisonBudget {
  states: number;
}

/** Thousands of times more than the patterns of a project need, and less than a second. */
export function comparisonBudget(): ComparisonBudget {
  return { states: 20_000 };
}

/**
 * Whether every path that `inner` matches is matched by `outer` too, for patterns of `*` and `?` as delegations have them: segment by
 * segment between slashes, every other character for itself. Exact while the budget lasts; then the answer is no.
 */
export function isWithin(inner: string, outer: string, budget: ComparisonBudget = comparisonBudget()): boolean {
  const [within, without] = [inner.split('/'), outer.split('/')];
  return (
    within.length === without.length &&
    within.every((segment, at) => isSegmentWithin(segment, without[at] ?? '', budget))
  );
}

/** Stands for all characters that occur in neither pattern. */
const OTHER = '';

/**
 * Reads both patterns at once, character by character: of `inner` one place where it may be, of `outer` all. It is within when no way
 * leads to an end of `inner` at which `outer` has none.
 */
function isSegmentWithin(inner: string, outer: string, budget: ComparisonBudget): boolean {
  if (inner === outer) return true;
  const [from, to] = [Array.from(inner), Array.from(outer)];
  const letters = new Set([...from, ...to].filter((character) => character !== '*' && character !== '?'));
  const alphabet = [...letters, OTHER];
  const start = reach(to, [0]);
  const seen = new Set<string>();
  const pending: (readonly [number, readonly number[]])[] = [[0, start]];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [place, places] = next;
    const state = `${place}:${places.join()}`;
    if (seen.has(state)) continue;
    if (budget.states-- <= 0) return false;
    seen.add(state);
    const token = from[place];
    if (token === undefined) {
      if (!places.includes(to.length)) return false;
      continue;
    }
    if (token === '*') pending.push([place + 1, places]);
    const further = token === '*' ? place : place + 1;
    const characters = token === '*' || token === '?' ? alphabet : [token];
    for (const character of characters) pending.push([further, step(to, places, character)]);
  }
  return true;
}

/** Where a pattern may be after one more character. */
function step(pattern: readonly string[], places: readonly number[], character: string): readonly number[] {
  const next = new Set<number>();
  for (const place of places) {
    const token = pattern[place];
    if (token === '*') next.add(place);
    else if (token === '?' || (token !== undefined && token === character)) next.add(place + 1);
  }
  return reach(pattern, [...next]);
}

/** With the places that stars leave without a character, in order. */
function reach(pattern: readonly string[], places: readonly number[]): readonly number[] {
  const all = new Set<number>();
  for (let place of places) {
    all.add(place);
    while (pattern[place] === '*') all.add(++place);
  }
  return [...all].sort((a, b) => a - b);
}
