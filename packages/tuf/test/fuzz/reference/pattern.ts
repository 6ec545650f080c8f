/**
 * Python's fnmatch between slashes, from the description of its rules and step by step: an independent, slow second opinion.
 * Works on whole code points.
 */
export function slowMatch(pattern: string, path: string): boolean {
  const patterns = pattern.split('/');
  const parts = path.split('/');
  return patterns.length === parts.length && patterns.every((text, index) => segmentMatches(text, parts[index] ?? ''));
}

type Matcher = 'any number' | ((character: string) => boolean);

/** A table over all prefixes of both: `reached[j]` says whether the matchers so far take the first j characters. */
function segmentMatches(pattern: string, text: string): boolean {
  const characters = [...text];
  let reached = [true, ...characters.map(() => false)];
  for (const matcher of matchers(pattern)) {
    const next = reached.map(() => false);
    for (let end = 0; end <= characters.length; end++) {
      if (matcher === 'any number') next[end] = reached[end] === true || (end > 0 && next[end - 1] === true);
      else next[end] = end > 0 && reached[end - 1] === true && matcher(characters[end - 1] ?? '');
    }
    reached = next;
  }
  return reached.at(-1) === true;
}

function matchers(pattern: string): readonly Matcher[] {
  // A class takes at least one character, which may be a bracket, after an optional exclamation mark.
  return Array.from(pattern.matchAll(/\[(!?\][^\]]*|![^\]]+|[^\]!][^\]]*)\]|./gsu), ([whole, content]): Matcher => {
    if (whole === '*') return 'any number';
    if (whole === '?') return () => true;
    return content === undefined ? (character) => character === whole : classOf(content);
  });
}

interface Piece {
  readonly text: string;
  /** Whether it is a hyphen between two ends. */
  readonly joins: boolean;
}

/**
 * Python first finds the hyphens that join two ends, then deletes what joins a higher end to a lower one, and only then
 * hands the rest to its regular expressions, which look for the mark of negation in front.
 */
function classOf(content: string): (character: string) => boolean {
  const pieces = withoutEmptyRanges(joined([...content]));
  const negated = pieces[0]?.text === '!';
  const rest = negated ? pieces.slice(1) : pieces;
  if (rest.length === 0) return () => negated;
  const tests: ((point: number) => boolean)[] = [];
  for (let at = 0; at < rest.length; at++) {
    const low = pointOf(rest[at]);
    // In front a hyphen cannot join anything.
    const isRange = rest[at + 1]?.joins === true && !(at === 0 && rest[0]?.joins === true);
    const high = isRange ? pointOf(rest[at + 2]) : low;
    tests.push((point) => low <= point && point <= high);
    if (isRange) at += 2;
  }
  return (character) => tests.some((test) => test(character.codePointAt(0) ?? 0)) !== negated;
}

function joined(characters: readonly string[]): readonly Piece[] {
  const joints = new Set<number>();
  let from = characters[0] === '!' ? 2 : 1;
  for (let at = characters.indexOf('-', from); at !== -1; at = characters.indexOf('-', from)) {
    if (at < characters.length - 1) joints.add(at);
    from = at + 3;
  }
  return characters.map((text, index) => ({ text, joins: joints.has(index) }));
}

function withoutEmptyRanges(pieces: readonly Piece[]): readonly Piece[] {
  const empty = new Set<number>();
  for (const [at, { joins }] of pieces.entries()) {
    if (joins && pointOf(pieces[at - 1]) > pointOf(pieces[at + 1]))
      for (const near of [at - 1, at, at + 1]) empty.add(near);
  }
  return pieces.filter((_, index) => !empty.has(index));
}

function pointOf(piece: Piece | undefined): number {
  return piece?.text.codePointAt(0) ?? 0;
}
