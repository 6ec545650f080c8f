import { setTimeout as wait } from 'node:timers/promises';
import {
  type FollowedFeed,
  type IndexClient,
  MirrorsFailedError,
  OfflineMissingError,
  UnreachableError,
} from '@holdfast/installer';
import { ExpiredError, NetworkError } from '@holdfast/tuf';
import { explain } from '../explain.ts';
import { note } from '../terminal.ts';

/** Milliseconds between two questions, at most, while an index does not answer. */
const MOST_MS = 300_000;
/** To remember where one is takes at most one part in so many of the time: 40 MB for an index of a million roles. */
const KEEPING_SHARE = 50;

export interface Following {
  readonly client: IndexClient;
  /** Milliseconds from an answer to the next question. */
  readonly everyMs: number;
  /** Tells what changed. What was told is remembered after that. */
  readonly tell: (followed: FollowedFeed) => Promise<void>;
  readonly stop: AbortSignal;
}

/**
 * Tells of the changes of an index as they come, until it is stopped. Whoever is away, the network or the index, is waited for.
 * @throws FeedError, and what else shows that the index is not what it was
 */
export async function followOn({ client, everyMs, tell, stop }: Following): Promise<void> {
  stop.addEventListener('abort', () => client.close());
  const feed = await client.openFeed();
  let failures = 0;
  let kept = { at: Number.NEGATIVE_INFINITY, took: 0 };
  /** Whether what was told last is still to be kept. */
  let toKeep = false;
  const keep = async (): Promise<void> => {
    const began = performance.now();
    await feed.keep();
    toKeep = false;
    kept = { at: performance.now(), took: performance.now() - began };
  };
  try {
    while (!stop.aborted) {
      try {
        const followed: FollowedFeed = await feed.next();
        const isNews: boolean = toKeep || followed.before?.version !== followed.after.version;
        toKeep = false; // Nobody may have heard of it.
        await tell(followed);
        toKeep = isNews;
        if (toKeep && performance.now() - kept.at >= KEEPING_SHARE * kept.took) await keep();
        failures = client.freshness?.offline === true ? failures + 1 : answers(failures);
      } catch (error) {
        if (stop.aborted) break;
        if (!isPassing(error)) throw error;
        if (failures++ === 0) note(`${(await explain(error)).sentence} It is asked again, less and less often.`);
      }
      await pause(delay(everyMs, failures), stop);
    }
  } finally {
    if (toKeep) await keep();
  }
}

function answers(failures: number): 0 {
  if (failures > 0) note('The index answers again.');
  return 0;
}

/** Twice as long for each failure, up to five minutes, and never all followers at once. */
function delay(everyMs: number, failures: number): number {
  if (failures === 0) return everyMs;
  return Math.max(everyMs, Math.min(MOST_MS, everyMs * 2 ** failures) * (0.5 + Math.random() / 2));
}

/** Nothing usable came, or nobody signs at the moment: that says nothing against the index. */
function isPassing(error: unknown): boolean {
  if (error instanceof MirrorsFailedError) return isPassing(error.cause);
  return [UnreachableError, OfflineMissingError, NetworkError, ExpiredError].some((kind) => error instanceof kind);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
