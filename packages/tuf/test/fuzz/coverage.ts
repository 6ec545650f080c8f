import { type Profiler, Session } from 'node:inspector';

export interface Sample {
  /** Whether a character of the sources was run for the first time. */
  readonly isNew: boolean;
  /** Blocks that were run, each as often as it was. */
  readonly steps: number;
}

/**
 * V8's own block coverage of the sources under test, without instrumenting them. Counters start again with every
 * sample.
 */
export class Coverage {
  private readonly session = new Session();
  /** One byte per character of a source: 1 where some committed sample ran. */
  private readonly covered = new Map<string, Uint8Array>();
  private readonly isUnderTest: (url: string) => boolean;

  constructor(isUnderTest: (url: string) => boolean) {
    this.isUnderTest = isUnderTest;
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last sample; `commit` remembers it. */
  sample(commit: boolean): Sample {
    let isNew = false;
    let steps = 0;
    for (const { url, functions } of this.take()) {
      if (!this.isUnderTest(url)) continue;
      for (const { ranges } of functions) {
        for (const range of ranges) steps += range.count;
        if (this.paint(url, ranges, commit)) isNew = true;
      }
    }
    return { isNew, steps };
  }

  /** How many characters of the sources have run. */
  get size(): number {
    let size = 0;
    for (const map of this.covered.values()) for (const byte of map) size += byte;
    return size;
  }

  close(): void {
    this.session.disconnect();
  }

  private take(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    // Within one thread the answer comes before `post` returns.
    this.session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      taken = result;
    });
    return taken;
  }

  /** Ranges of a function are nested, outer ones first: the innermost count holds. */
  private paint(url: string, ranges: readonly Profiler.CoverageRange[], commit: boolean): boolean {
    const outer = ranges[0];
    if (outer === undefined || outer.count === 0) return false;
    const own = new Uint8Array(outer.endOffset - outer.startOffset);
    for (const { startOffset, endOffset, count } of ranges)
      own.fill(count > 0 ? 1 : 0, startOffset - outer.startOffset, endOffset - outer.startOffset);
    const map = this.mapOf(url, outer.endOffset);
    let isNew = false;
    for (const [index, ran] of own.entries()) {
      const at = outer.startOffset + index;
      if (ran === 0 || map[at] === 1) continue;
      isNew = true;
      if (commit) map[at] = 1;
    }
    return isNew;
  }

  private mapOf(url: string, length: number): Uint8Array {
    const known = this.covered.get(url) ?? new Uint8Array(0);
    if (known.length >= length) return known;
    const longer = new Uint8Array(length * 2);
    longer.set(known);
    this.covered.set(url, longer);
    return longer;
  }
}
