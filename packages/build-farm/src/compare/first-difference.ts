/** The first line in which two texts differ. */
export interface LineDifference {
  /** From 1 on. */
  readonly number: number;
  /** Escaped for a terminal and cut; `undefined` behind the end. */
  readonly first: string | undefined;
  readonly second: string | undefined;
}

const LONGEST_TEXT = 4 * 1024 ** 2;
const LONGEST_LINE = 100;

/** `undefined` when one is no text, or very long. */
export function firstDifference(a: Uint8Array, b: Uint8Array): LineDifference | undefined {
  const [first, second] = [linesOf(a), linesOf(b)];
  if (!first || !second) return undefined;
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    if (first[at] !== second[at]) return { number: at + 1, first: shown(first[at]), second: shown(second[at]) };
  }
  return undefined;
}

function linesOf(bytes: Uint8Array): readonly string[] | undefined {
  if (bytes.length > LONGEST_TEXT || bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\n');
  } catch {
    return undefined;
  }
}

/** Whoever wrote the wheel must not steer the terminal of whoever reads the report. */
function shown(line: string | undefined): string | undefined {
  return line
    ?.slice(0, LONGEST_LINE)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
