import { ClockError, NetworkError } from '@holdfast/tuf';
import { MirrorsFailedError, OfflineMissingError } from '../errors.ts';
import type { MirrorProblem } from '../errors.ts';
import type { Mirror } from '../fetch/mirror.ts';
import type { Mirrors } from '../fetch/mirrors.ts';

/**
 * Runs an operation that verifies what the first mirror serves. When it fails, that mirror is shunned and the operation
 * runs on the next: a mirror that replays, freezes or damages metadata costs time, never an installation (P20).
 * @throws the error itself when there is one mirror; OfflineMissingError when none can be reached; else MirrorsFailedError
 */
export async function withFailover<T>(mirrors: Mirrors, subject: string, operation: () => Promise<T>): Promise<T> {
  const failures = new Map<Mirror, unknown>();
  // Twice the mirrors: a parallel operation may shun one between our look at the order and our failure.
  for (let attempt = 0; attempt < 2 * mirrors.size; attempt++) {
    const suspect = mirrors.order()[0];
    if (!suspect || failures.has(suspect)) break;
    try {
      return await operation();
    } catch (error) {
      if (error instanceof NetworkError) throw new OfflineMissingError(subject, mirrors.takeProblems(), error);
      // No mirror is at fault for this computer's clock.
      if (mirrors.size === 1 || error instanceof ClockError) throw error;
      if (mirrors.order()[0] !== suspect) continue;
      failures.set(suspect, error);
      mirrors.shun(suspect, error);
    }
  }
  const problems: readonly MirrorProblem[] = mirrors.takeProblems();
  const [first] = failures.values();
  throw new MirrorsFailedError(subject, problems, first ?? problems[0]?.error);
}
