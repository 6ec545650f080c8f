const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** A span in words, in its largest unit: `3 hours`, `1 day`, `less than a minute`. Milliseconds in. */
export function timeSpan(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return 'less than a minute';
}
