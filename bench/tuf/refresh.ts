import { join } from 'node:path';
import { start as startProcess } from '../../script/lib/run.ts';
import { type Line, report } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';
import { type Contestant, start, withPatience } from './contestants.ts';
import type { BenchData } from './data.ts';

const BITS = 14;
const GOALS_MS = { cold: 40, warm: 20 };
const NAMES: readonly Contestant[] = ['holdfast', 'python-tuf', 'go-tuf', 'tuf-js'];

/** Refresh and look one target up over loopback HTTP, with 16 384 succinct bins in the snapshot. */
export async function benchRefresh(data: BenchData, rounds: number): Promise<void> {
  const { target, snapshotBytes } = await data.binned(BITS);
  const command = [process.execPath, join(import.meta.dirname, 'serve.ts'), data.directory];
  const { child, match } = await startProcess(command, process.env, /port (\d+)/);
  const request = {
    op: 'client',
    rootFile: data.rootFile,
    metadataUrl: `http://127.0.0.1:${match[1]}/`,
    target,
  } as const;
  const peers = new Map(NAMES.map((name) => [name, start(name)]));
  const times = new Map(NAMES.map((name) => [name, { cold: [] as number[], warm: [] as number[] }]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, peer] of peers) {
      const answer = await withPatience(peer, peer.ask({ ...request, runs: 3 }));
      if (answer === undefined) peers.delete(name);
      if (answer === undefined || round === 0) continue;
      times.get(name)?.cold.push(...answer.cold);
      times.get(name)?.warm.push(...answer.warm);
    }
  }
  for (const peer of peers.values()) await peer.stop();
  child.kill();
  const state = (name: Contestant, which: 'cold' | 'warm'): Line => {
    const own = times.get(name)?.[which] ?? [];
    const what = `${name}, ${which}`;
    if (own.length === 0) return { what, value: '> 1 minute' };
    const value = `${median(own).toFixed(1)} ms`;
    if (name !== 'holdfast') return { what, value };
    return { what, value, goal: `≤ ${GOALS_MS[which]} ms`, met: median(own) <= GOALS_MS[which] };
  };
  report(
    'TUF: refresh and one lookup, 16 384 bins in the snapshot',
    `snapshot ${(snapshotBytes / 1e6).toFixed(2)} MB, bin of 300 targets, loopback HTTP, medians of ${rounds} turns of 3 after one to warm up`,
    NAMES.flatMap((name) => [state(name, 'cold'), state(name, 'warm')]),
  );
}
