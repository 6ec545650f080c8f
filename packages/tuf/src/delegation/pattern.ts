/**
 * Path patterns of delegations (§4.5): matched segment by segment between slashes, by code point, with `*`, `?` and
 * `[…]` as Python's fnmatch has them, since that is what the reference implementation signs and reads. Nothing else is
 * special: no rule for leading dots, no `**`, no braces, no escape. Takes at most pattern × path steps.
 */
export class PathPattern {
  private readonly segments: readonly Segment[];

  constructor(pattern: string) {
    this.segments = pattern.split('/').map(compileSegment);
  }

  /** Whether the whole path matches. */
  matches(path: string): boolean {
    const parts = path.split('/');
    return parts.length === this.segments.length && this.matchesStart(parts);
  }

  /** Whether some path directly in a directory could match; `directory` ends in a slash or is empty. */
  mayMatchIn(directory: string): boolean {
    const parts = directory.split('/').slice(0, -1);
    return parts.length === this.segments.length - 1 && this.matchesStart(parts);
  }

  /** Whether every path directly in a directory matches. */
  coversAllIn(directory: string): boolean {
    const last = this.segments.at(-1);
    return this.mayMatchIn(directory) && typeof last === 'object' && last.length === 1 && last[0] === STAR;
  }

  private matchesStart(parts: readonly string[]): boolean {
    return parts.every((part, index) => {
      const segment = this.segments[index];
      if (segment === undefined) return false;
      return typeof segment === 'string' ? segment === part : matchTokens(segment, Array.from(part));
    });
  }
}

const STAR = 'star';
type CharacterTest = (character: string) => boolean;
type Token = typeof STAR | CharacterTest;
/** A string stands for itself. */
type Segment = string | readonly Token[];

function compileSegment(text: string): Segment {
  if (!/[*?[]/.test(text)) return text;
  const characters = Array.from(text);
  const tokens: Token[] = [];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index];
    if (character === '*') {
      if (tokens.at(-1) !== STAR) tokens.push(STAR);
    } else if (character === '?') {
      tokens.push(() => true);
    } else {
      const end = character === '[' ? classEnd(characters, index) : -1;
      if (end === -1) {
        tokens.push((candidate) => candidate === character);
      } else {
        tokens.push(characterClass(characters.slice(index + 1, end)));
        index = end;
      }
    }
  }
  return tokens;
}

/** Where the class that opens at `open` closes; -1 if nowhere, then the bracket stands for itself. */
function classEnd(characters: readonly string[], open: number): number {
  let index = open + 1;
  if (characters[index] === '!') index++;
  // A bracket that comes first is a member.
  if (characters[index] === ']') index++;
  return characters.indexOf(']', index);
}

function characterClass(content: readonly string[]): CharacterTest {
  const ranges: [number, number][] = [];
  let negated = content[0] === '!';
  let index = negated ? 1 : 0;
  while (index < content.length) {
    const isRange = content[index + 1] === '-' && index + 2 < content.length;
    const low = codePoint(content[index]);
    const high = isRange ? codePoint(content[index + 2]) : low;
    if (!negated && ranges.length === 0 && index > 0 && content[index] === '!' && low <= high) {
      // Python drops ranges that hold nothing (`b-a`) before it looks for the `!`, which so negates in `[b-a!c]` too.
      negated = true;
      index++;
      const next = content[index + 1];
      if (content[index] !== '-' || next === undefined) continue;
      ranges.push([codePoint('-'), codePoint('-')], [codePoint(next), codePoint(next)]);
      index += 2;
      continue;
    }
    if (low <= high) ranges.push([low, high]);
    index += isRange ? 3 : 1;
  }
  return (character) => {
    const point = codePoint(character);
    return ranges.some(([low, high]) => low <= point && point <= high) !== negated;
  };
}

function codePoint(character: string | undefined): number {
  return character?.codePointAt(0) ?? -1;
}

/** Greedy with one step back to the last star, which is all that ever needs reconsidering. */
function matchTokens(tokens: readonly Token[], characters: readonly string[]): boolean {
  let token = 0;
  let position = 0;
  let starToken = -1;
  let starPosition = 0;
  while (position < characters.length) {
    const current = tokens[token];
    const character = characters[position] ?? '';
    if (current === STAR) {
      starToken = token++;
      starPosition = position;
    } else if (current?.(character) === true) {
      token++;
      position++;
    } else if (starToken >= 0) {
      token = starToken + 1;
      position = ++starPosition;
    } else {
      return false;
    }
  }
  while (tokens[token] === STAR) token++;
  return token === tokens.length;
}
