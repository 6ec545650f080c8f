import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { failureOf } from './build-sdist.ts';
import { type RoundOptions, runRound } from './farm.ts';
import { FarmMetrics } from './farm-metrics.ts';
import type { BuildRecord } from './build-record.ts';
import type { FarmState } from './farm-state.ts';
import type { FarmWork } from './farm-work.ts';
import { backOff } from './retry.ts';
import type { FarmEvent } from './events.ts';

export interface RunOptions extends RoundOptions {
  /** Milliseconds from the end of a round to the next one. */
  readonly everyMs: number;
  /** Ends after one round. */
  readonly once: boolean;
}

/** What a run saw that somebody should look at. */
export interface RunSummary {
  readonly failures: number;
  readonly builds: readonly BuildRecord[];
}

/**
 * Runs rounds until it is told to stop. After each one, `status.json` and `metrics.prom` in the state's directory say how things stand.
 * An index that cannot be reached is asked again, later and later, up to an hour.
 */
export async function runFarm(work: FarmWork, options: RunOptions): Promise<RunSummary> {
  const { state, bench, signal, once, everyMs } = { ...work, ...options };
  const metrics = new FarmMetrics();
  let failures = 0;
  const tell = (happened: FarmEvent): void => {
    metrics.count(happened);
    if (BAD.has(happened.event)) failures++;
    work.tell(happened);
  };
  for (let unreachable = 0; ; ) {
    unreachable = (await roundOrTrouble({ ...work, tell }, options, unreachable)) ? 0 : unreachable + 1;
    await report(state, metrics, bench.now());
    if (once) break;
    const pause = unreachable === 0 ? everyMs : backOff(unreachable, bench.now()).getTime() - bench.now().getTime();
    // Who stops the farm does not wait for the next round.
    await sleep(pause, undefined, { signal }).catch(() => {});
    if (signal?.aborted === true) break;
  }
  return { failures, builds: state.builds() };
}

const BAD: ReadonlySet<FarmEvent['event']> = new Set(['failed', 'differs', 'trouble']);

async function roundOrTrouble(work: FarmWork, options: RunOptions, before: number): Promise<boolean> {
  try {
    await runRound(work, options);
    return true;
  } catch (error) {
    const { code = '', reason = '' } = failureOf(error);
    const next = options.once ? null : backOff(before + 1, work.bench.now()).toISOString();
    work.tell({ event: 'trouble', project: '', code, reason, next_try: next });
    return false;
  }
}

/** For people and programs, while the farm holds its state. */
async function report(state: FarmState, metrics: FarmMetrics, now: Date): Promise<void> {
  const builds = state.builds();
  const status = { at: now.toISOString(), builds: builds.map(buildJson) };
  await writeFileAtomic(join(state.directory, 'status.json'), Buffer.from(`${JSON.stringify(status, undefined, 2)}\n`));
  await writeFileAtomic(join(state.directory, 'metrics.prom'), Buffer.from(metrics.text(builds, now)));
}

/** A build as `status.json` has it. */
export function buildJson({ sdist, nextTry, updatedAt, wheel, ...record }: BuildRecord): object {
  return {
    project: record.project,
    sdist: { filename: record.filename, sha256: sdist },
    standing: record.standing,
    attempts: record.attempts,
    wheel: wheel ?? null,
    code: record.code ?? null,
    reason: record.reason ?? null,
    detail: record.detail ?? null,
    log: record.log ?? null,
    next_try: nextTry?.toISOString() ?? null,
    updated_at: updatedAt.toISOString(),
  };
}
