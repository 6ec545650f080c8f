import { ClockBehindError } from '../errors.ts';
import type { Freshness, VerifiedDistribution } from './verified-project.ts';

/** Milliseconds by which the clocks of an index and of a computer may differ, as in the updater's own guard. */
const TOLERANCE_MS = 60 * 60 * 1000;

/**
 * A file was uploaded before the timestamp that leads to it was signed. So one that was uploaded later than now shows that the clock
 * is behind, also on a computer that has never asked this index before and has no earlier time to compare with.
 * Nothing is remembered of it: an index whose own clock was wrong would lock its users out.
 * @throws ClockBehindError
 */
export function assertClockNotBehind(
  index: string,
  files: readonly VerifiedDistribution[],
  { timestampExpires }: Pick<Freshness, 'timestampExpires'>,
  now: Date,
): void {
  for (const { filename, uploadTime } of files) {
    // What was imported may have times that make no sense: later than all that its index has signed can be.
    if (uploadTime.getTime() <= now.getTime() + TOLERANCE_MS || uploadTime > timestampExpires) continue;
    throw new ClockBehindError(index, filename, now, uploadTime);
  }
}
