import { ClockError } from '../errors.ts';
import { formatExpires } from '../parse/common.ts';
import type { MetadataStore } from './ports.ts';

const NAME = 'latest-time';
/**
 * Milliseconds. Corrections of clocks that drift, wake up or are set by hand are smaller; nothing that repositories renew lives so short
 * that an hour more of it were worth an attack. The record is also renewed no more often, so a clock may fall back by twice that.
 */
const TOLERANCE_MS = 60 * 60 * 1000;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * A clock set back would make expired metadata valid again (freeze). So the time of successful refreshes is kept beside the
 * metadata. It can never lie further ahead than the expiry of a timestamp that was accepted then.
 * @throws ClockError when it is more than an hour earlier than at an earlier refresh
 */
export async function checkClock(store: MetadataStore, now: Date): Promise<void> {
  const latest = await latestTime(store);
  if (latest !== undefined && now.getTime() < latest.getTime() - TOLERANCE_MS) throw new ClockError(now, latest);
}

/** To be called once a refresh has succeeded at `now`. */
export async function recordTime(store: MetadataStore, now: Date): Promise<void> {
  const latest = await latestTime(store);
  if (latest !== undefined && now.getTime() < latest.getTime() + TOLERANCE_MS) return;
  await store.write(NAME, new TextEncoder().encode(formatExpires(now)));
}

/**
 * Ends the memory of times, and of nothing else: for a person who knows that the clock was wrongly ahead. What was seen of versions
 * stays refused when it is older.
 */
export async function forgetTime(store: MetadataStore): Promise<void> {
  await store.remove(NAME);
}

/** A damaged record is as good as none: it guards the clock, not the metadata. */
async function latestTime(store: MetadataStore): Promise<Date | undefined> {
  const bytes = await store.read(NAME);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes.subarray(0, 64));
  return ISO_TIME.test(text) && !Number.isNaN(Date.parse(text)) ? new Date(text) : undefined;
}
