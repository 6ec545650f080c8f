import type { VerifiedDistribution } from '@holdfast/installer';
import { buildWheel } from '../build/build-wheel.ts';
import type { FarmWork } from './farm-work.ts';
import type { BuildRecord } from './build-record.ts';
import { nextTry } from './retry.ts';

const LONGEST_DETAIL = 16_384;
const MOST_INTERRUPTED = 3;

/** Builds one sdist and writes down how that went. What goes wrong is of this build alone: it is told, not thrown. */
export async function buildSdist(work: FarmWork, sdist: VerifiedDistribution): Promise<BuildRecord> {
  const { state, bench, tell } = work;
  const { project, filename } = sdist;
  const attempts = (state.build(sdist.sha256)?.attempts ?? 0) + 1;
  const begun: BuildRecord = {
    sdist: sdist.sha256,
    project,
    filename,
    standing: 'building',
    attempts,
    code: undefined,
    reason: undefined,
    detail: undefined,
    log: undefined,
    nextTry: undefined,
    updatedAt: bench.now(),
    wheel: undefined,
  };
  state.put(begun);
  tell({ event: 'building', project, sdist: filename, attempt: attempts });
  const started = performance.now();
  const ended = await attempt(work, sdist, begun);
  state.put(ended);
  const { wheel, code = '', reason = '' } = ended;
  const seconds = (performance.now() - started) / 1000;
  if (wheel) tell({ event: 'built', project, sdist: filename, wheel: wheel.filename, sha256: wheel.sha256, seconds });
  else
    tell({
      event: 'failed',
      project,
      sdist: filename,
      code,
      reason,
      log: ended.log ?? null,
      next_try: ended.nextTry?.toISOString() ?? null,
    });
  return ended;
}

async function attempt(work: FarmWork, sdist: VerifiedDistribution, begun: BuildRecord): Promise<BuildRecord> {
  const { state, bench, building } = work;
  try {
    const { client } = bench;
    const { filename, bytes, sha256 } = await buildWheel(sdist, {
      client,
      scratch: state.scratch,
      ...building(sdist.project),
    });
    await state.keepWheel(sdist.sha256, filename, bytes);
    const wheel = { filename, sha256, size: bytes.length };
    return { ...begun, standing: 'built', wheel, updatedAt: bench.now() };
  } catch (error) {
    const now = bench.now();
    // Who stops the farm says nothing about the sdist.
    if (building(sdist.project).signal?.aborted === true)
      return { ...begun, standing: 'failed', attempts: begun.attempts - 1, code: 'STOPPED', nextTry: now };
    return {
      ...begun,
      ...failureOf(error),
      log: await state.logs.keep(begun, logOf(error)),
      standing: 'failed',
      nextTry: nextTry(error, begun.attempts, now),
      updatedAt: now,
    };
  }
}

/** A build that was under way when its farm was killed: it may have been the reason. */
export function interrupted(record: BuildRecord, now: Date): BuildRecord {
  const reason = 'the farm ended while this was built';
  const again = record.attempts < MOST_INTERRUPTED ? now : undefined;
  return { ...record, standing: 'failed', code: 'INTERRUPTED', reason, nextTry: again, updatedAt: now };
}

const logOf = (error: unknown): string => (error instanceof Error && 'log' in error ? String(error.log) : '');

export function failureOf(error: unknown): Pick<BuildRecord, 'code' | 'reason' | 'detail'> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
  const log = logOf(error);
  const reason = plain(error instanceof Error ? error.message : String(error));
  return { code, reason, detail: log === '' ? undefined : log.slice(-LONGEST_DETAIL) };
}

const LONGEST_REASON = 1000;

/** Whoever wrote an sdist chooses some of these words: they must not steer the terminal of whoever reads them. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, LONGEST_REASON);
}
