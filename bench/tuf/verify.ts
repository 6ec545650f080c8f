import { spawnSync } from 'node:child_process';
import { type Line, report } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';
import { COMMANDS, type Contestant, memoryOf, PATIENCE_MS, start, withPatience } from './contestants.ts';
import type { BenchData } from './data.ts';

/** Targets, and runs in a turn: enough for compilers that warm up, also where a run is short. */
const RUNS: ReadonlyMap<number, number> = new Map([
  [1_000, 50],
  [10_000, 10],
  [100_000, 3],
]);
const SIZES = [...RUNS.keys()];
const GOALS_MS: ReadonlyMap<number, number> = new Map([
  [10_000, 20],
  [100_000, 200],
]);
const NAMES = Object.keys(COMMANDS) as Contestant[];

interface Input {
  readonly count: number;
  readonly path: string;
  readonly bytes: number;
}
type Times = ReadonlyMap<Contestant, readonly number[]>;

/** Parse and verify targets metadata of three sizes; how it grows; what memory it takes. */
export async function benchVerify(data: BenchData, rounds: number): Promise<void> {
  const inputs: Input[] = [];
  for (const count of SIZES) inputs.push({ count, ...(await data.targets(count)) });
  const results = new Map<number, Times>();
  for (const input of inputs) {
    const times = await measure(data, input, rounds, results.get(input.count / 10));
    results.set(input.count, times);
    report(
      `TUF: parse and verify targets metadata, ${input.count} targets`,
      `${megabytes(input.bytes)}, ed25519, medians of ${rounds} turns of ${RUNS.get(input.count)} runs, after one turn to warm up`,
      lines(input.count, times),
    );
  }
  reportGrowth(results);
  const largest = inputs.at(-1);
  if (largest !== undefined) await reportMemory(data, largest);
}

async function measure(data: BenchData, input: Input, rounds: number, smaller: Times | undefined): Promise<Times> {
  const request = { op: 'verify', rootFile: data.rootFile, targetsFile: input.path } as const;
  const runs = RUNS.get(input.count) ?? 1;
  const peers = new Map(NAMES.filter((name) => !isHopeless(smaller, name)).map((name) => [name, start(name)]));
  const times = new Map(NAMES.map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, peer] of peers) {
      // A run of tuf-js takes so long that warming up and repeating would tell nothing more.
      const slow = name === 'tuf-js' && input.count > 1_000;
      if (slow && round > 0) continue;
      const answer = await withPatience(peer, peer.ask({ ...request, runs: slow ? 1 : runs }));
      if (answer === undefined) peers.delete(name);
      else if (round > 0 || slow) times.get(name)?.push(...answer.ms);
    }
  }
  for (const peer of peers.values()) await peer.stop();
  return times;
}

/** It was too slow at a tenth of the size, or would be if it took only ten times as long. */
function isHopeless(smaller: Times | undefined, name: Contestant): boolean {
  const times = smaller?.get(name);
  return times !== undefined && (times.length === 0 || median(times) * 10 > PATIENCE_MS);
}

function lines(count: number, times: Times): readonly Line[] {
  const goal = GOALS_MS.get(count);
  const others = [times.get('python-tuf') ?? [], times.get('go-tuf') ?? []].filter((one) => one.length > 0).map(median);
  return NAMES.map((what): Line => {
    const own = times.get(what) ?? [];
    if (own.length === 0) return { what, value: '> 1 minute' };
    const value = `${milliseconds(median(own))}${own.length === 1 ? ', one run' : ''}`;
    if (what !== 'holdfast' || goal === undefined) return { what, value };
    const met = median(own) <= goal && others.every((other) => median(own) < other);
    return { what, value, goal: `≤ ${goal} ms, faster than python-tuf and go-tuf`, met };
  });
}

function reportGrowth(results: ReadonlyMap<number, Times>): void {
  const steps = SIZES.slice(1);
  const growth = (name: Contestant, count: number): number | undefined => {
    const [large, small] = [results.get(count)?.get(name) ?? [], results.get(count / 10)?.get(name) ?? []];
    return large.length === 0 || small.length === 0 ? undefined : median(large) / median(small) / 10;
  };
  report(
    'TUF: growth of that time over growth of the number of targets',
    '1.0 is linear',
    NAMES.flatMap((name) =>
      steps.map((count): Line => {
        const ratio = growth(name, count);
        const what = `${name}, ${count / 10} to ${count}`;
        if (ratio === undefined) return { what, value: 'not measured' };
        const value = ratio.toFixed(2);
        return name.startsWith('holdfast') ? { what, value, goal: '≤ 1.3', met: ratio <= 1.3 } : { what, value };
      }),
    ),
  );
}

/** Each in a new process that does it once. */
async function reportMemory(data: BenchData, { path, bytes, count }: Input): Promise<void> {
  const result: Line[] = [];
  for (const name of NAMES) {
    if (name === 'tuf-js') continue;
    const peer = start(name);
    const request = { op: 'verify', rootFile: data.rootFile } as const;
    // A small file first: code that is loaded on first use is not what is measured.
    await peer.ask({ ...request, targetsFile: path.replace(`${count}`, '1000'), runs: 1 });
    const before = memoryOf(peer).now;
    await peer.ask({ ...request, targetsFile: path, runs: 1 });
    const factor = (memoryOf(peer).peak - before) / bytes;
    await peer.stop();
    const line = { what: `${name}, peak`, value: `${factor.toFixed(1)} × the file` };
    result.push(name.startsWith('holdfast') ? { ...line, goal: '≤ 6 ×', met: factor <= 6 } : line);
  }
  const kept = retained(data, path);
  const factor = kept / bytes;
  result.push({
    what: 'holdfast, kept afterwards',
    value: `${factor.toFixed(1)} × the file`,
    goal: '≤ 6 ×',
    met: factor <= 6,
  });
  report(`TUF: memory for ${count} targets`, `${megabytes(bytes)}; growth of the resident set, file included`, result);
}

/** What stays in memory, file included, while the parsed metadata is held. */
function retained(data: BenchData, path: string): number {
  const script = new URL('retained.ts', import.meta.url).pathname;
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', script, data.rootFile, path], { encoding: 'utf8' });
  return Number(stdout);
}

function milliseconds(value: number): string {
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
