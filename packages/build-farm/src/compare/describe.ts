import type { Facts, MemberDifference, WheelComparison } from './compare-wheels.ts';

const MOST_ROWS = 50;

/**
 * A comparison as a table for people: one row for each member and each thing in which it differs.
 * @param names what the two wheels are called, such as `this farm` and `abcd1234`
 */
export function describeComparison(comparison: WheelComparison, names: readonly [string, string]): string {
  const { first, second, members, reordered, identical } = comparison;
  if (identical) return `The wheels are the same: ${first.sha256}, ${first.size} bytes.`;
  const rows = [
    ['member', 'differs in', ...names],
    ['the whole wheel', 'content', summary(first), summary(second)],
    ...members.slice(0, MOST_ROWS).flatMap(rowsOf),
  ];
  const more = members.length > MOST_ROWS ? [`and ${members.length - MOST_ROWS} more members`] : [];
  const order = reordered ? ['The members stand in another order.'] : [];
  const hidden =
    members.length === 0 && !reordered
      ? ['All members are the same: the archives differ in how they are written.']
      : [];
  return [...align(rows), ...more, ...order, ...hidden].join('\n');
}

function rowsOf({ path, aspects, first, second, line }: MemberDifference): string[][] {
  const rows = aspects.map((aspect) => {
    const value = (facts: Facts | undefined): string => (facts ? valueOf(aspect, facts) : '–');
    return [path, aspect, value(first), value(second)];
  });
  if (line) rows.push(['', `line ${line.number}`, line.first ?? '–', line.second ?? '–']);
  return rows;
}

function valueOf(aspect: string, facts: Facts): string {
  if (aspect === 'time') return facts.modified;
  if (aspect === 'mode') return facts.mode;
  if (aspect === 'packing') return `${facts.packed} bytes packed`;
  return summary(facts);
}

const summary = ({ size, sha256 }: { readonly size: number; readonly sha256: string }): string =>
  `${size} bytes, ${sha256.slice(0, 16)}…`;

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)));
  const pad = (text: string, column: number): string => text + ' '.repeat((widths[column] ?? 0) - [...text].length);
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 3 ? pad(cell, column) : cell))
      .join('  ')
      .trimEnd(),
  );
}
