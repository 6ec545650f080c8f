/** A change to the sources that no test noticed: the lines as they are, and as they would be, on one line each. */
export interface Survivor {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** What this needs of Stryker's report (the mutation testing report schema); positions count from 1. */
export interface Report {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly mutants: readonly {
          readonly status: string;
          readonly replacement?: string;
          readonly location: { readonly start: Position; readonly end: Position };
        }[];
      }
    >
  >;
}

const UNNOTICED: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

export function survivorsOf(report: Report): readonly Survivor[] {
  return Object.entries(report.files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants
      .filter(({ status }) => UNNOTICED.has(status))
      .map(({ location: { start, end }, replacement = '' }) => {
        const first = lines[start.line - 1] ?? '';
        const last = lines[end.line - 1] ?? '';
        const before = start.line === end.line ? first : `${first} …`;
        const after = `${first.slice(0, start.column - 1)}${replacement}${last.slice(end.column - 1)}`;
        return { file, before: oneLine(before), after: oneLine(after) };
      });
  });
}

/** Reads `survivors.md`: a heading for each file, below it the changes as diffs of one line. */
export function readExplained(markdown: string): readonly Survivor[] {
  const explained: Survivor[] = [];
  let file = '';
  let before = '';
  for (const line of markdown.split('\n')) {
    if (line.startsWith('## ')) file = line.slice(3).trim();
    if (line.startsWith('-') && !line.startsWith('- ')) before = line.slice(1).trim();
    if (line.startsWith('+')) explained.push({ file, before, after: line.slice(1).trim() });
  }
  return explained;
}

export function diffOf({ before, after }: Survivor): string {
  return `-${before}\n+${after}`;
}

/** Members of one list that the other does not have. */
export function missingIn(list: readonly Survivor[], from: readonly Survivor[]): readonly Survivor[] {
  const known = new Set(list.map((survivor) => JSON.stringify(survivor)));
  return from.filter(({ file, before, after }) => !known.has(JSON.stringify({ file, before, after })));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
