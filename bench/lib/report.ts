import { availableParallelism, cpus } from 'node:os';

/** One line of a benchmark's result: what was measured, and the bar that it should reach. */
export interface Line {
  readonly what: string;
  readonly value: string;
  readonly goal?: string;
  readonly met?: boolean;
}

/** Prints a table, with the machine and the size of the data above it. */
export function report(title: string, data: string, lines: readonly Line[]): void {
  const width = Math.max(...lines.map(({ what }) => what.length));
  console.log(`\n${title}`);
  console.log(
    `  ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}; ${data}`,
  );
  for (const { what, value, goal, met } of lines) {
    const verdict = goal === undefined ? '' : `   goal ${goal}${met === undefined ? '' : met ? '  met' : '  MISSED'}`;
    console.log(`  ${what.padEnd(width)}  ${value.padStart(14)}${verdict}`);
  }
}
