import { setTimeout as wait } from 'node:timers/promises';
import { parseTimestamp } from '@holdfast/tuf';
import type { Mirror } from '../fetch/mirror.ts';
import type { Mirrors } from '../fetch/mirrors.ts';

const MAX_TIMESTAMP_BYTES = 16_384;
/** How long the slower mirrors may take once one has answered. */
const STRAGGLER_MS = 1_000;

/**
 * Prefers the mirror whose timestamp claims the highest version. One mirror that goes on serving an old but unexpired
 * timestamp is otherwise believed until that expires (indefinite freeze, P20). The claim is not verified here: a mirror
 * that lies is asked first, found out, and shunned.
 */
export async function preferFreshest(mirrors: Mirrors): Promise<void> {
  if (mirrors.size < 2) return;
  const order = mirrors.order();
  const claims = new Map<Mirror, number>();
  const stop = new AbortController();
  const asked = order.map(async (mirror) => {
    try {
      claims.set(mirror, await claimedVersion(mirror, stop.signal));
    } catch (error) {
      // One that is merely slower than the others is asked later, without reproach.
      if (!stop.signal.aborted) mirrors.shun(mirror, error);
      throw error;
    }
  });
  await Promise.any(asked).catch(() => {});
  await Promise.race([Promise.allSettled(asked), wait(STRAGGLER_MS, undefined, { signal: stop.signal })]);
  stop.abort();
  await Promise.allSettled(asked);
  mirrors.prefer([...order].sort((a, b) => (claims.get(b) ?? 0) - (claims.get(a) ?? 0)));
}

async function claimedVersion(mirror: Mirror, signal: AbortSignal): Promise<number> {
  const bytes = await mirror.read('metadata/timestamp.json', { maxLength: MAX_TIMESTAMP_BYTES, signal });
  return parseTimestamp(bytes).signed.version;
}
