import { normalizeName } from '@holdfast/python-index';
import { parseTimestamp } from '@holdfast/tuf';
import type { ServedIndex } from './served-index.ts';

/** One thing that was looked at. */
export interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

export interface Health {
  readonly ok: boolean;
  readonly checks: { readonly records: Check; readonly timestamp: Check };
}

/** Any name will do: the question is whether the records answer. */
const PROBE = normalizeName('healthz');

/**
 * Whether installers can install from this index now: the records answer, and the timestamp that installers would get is
 * not expired. A process that merely runs is not healthy.
 */
export async function checkHealth(index: ServedIndex, now: Date): Promise<Health> {
  const [records, timestamp] = await Promise.all([
    check(async () => {
      await index.catalog.projectPage(PROBE);
      return 'readable';
    }),
    check(() => timestampDetail(index, now)),
  ]);
  return { ok: records.ok && timestamp.ok, checks: { records, timestamp } };
}

async function check(look: () => Promise<string>): Promise<Check> {
  try {
    return { ok: true, detail: await look() };
  } catch (error) {
    return { ok: false, detail: error instanceof Unhealthy ? error.message : 'cannot be read; see the log' };
  }
}

class Unhealthy extends Error {}

async function timestampDetail(index: ServedIndex, now: Date): Promise<string> {
  const bytes = await index.metadata.newest('timestamp');
  if (bytes === undefined) throw new Unhealthy('there is none');
  const { version, expires } = parseTimestamp(bytes).signed;
  if (expires <= now) throw new Unhealthy(`version ${version} expired at ${expires.toISOString()}`);
  return `version ${version}, good until ${expires.toISOString()}`;
}
