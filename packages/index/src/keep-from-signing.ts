import { setTimeout as wait } from 'node:timers/promises';
import { IndexInUseError } from './errors.ts';
import type { Records } from './records/records.ts';

/** Milliseconds: longer than a signer that lives is silent. */
const LISTEN_MS = 3_000;
const BEAT_MS = 500;

/**
 * Takes the right to sign, where other machines could: what they take in meanwhile is not acknowledged.
 * @param holder what this process is called meanwhile
 * @returns what gives it back
 * @throws IndexInUseError while another process signs
 * @throws RecordsRetiredError
 */
export async function keepFromSigning(
  directory: string,
  { shared }: Records,
  holder: string,
): Promise<() => Promise<void>> {
  if (!shared) return async () => {};
  const { lease } = shared;
  const before = await lease.look();
  if (before.holder !== null) await wait(LISTEN_MS);
  const term = await lease.take(before, holder);
  if (term === undefined) throw new IndexInUseError(directory);
  const beat = setInterval(() => void lease.renew(term).catch(() => {}), BEAT_MS); // The next one comes soon.
  return async () => {
    clearInterval(beat);
    await lease.leave(term);
  };
}
