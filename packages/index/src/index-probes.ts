import { parseTimestamp } from '@holdfast/tuf';
import { type Probe, Unready } from './http/health.ts';
import { claimsWaiting, expiries, filesStaged, first, type Observed, transactionsWaiting } from './index-gauges.ts';
import type { ObjectStore } from './objects/object-store.ts';

/** Seconds that metadata must still be good for: an installation that begins now must find it good until its end. */
const HEADROOM_SECONDS = 60;
/** The share of a short-lived timestamp's life that must be left instead. */
const HEADROOM_SHARE = 0.1;
/** Seconds after which a change that waits tells that nobody signs. */
const LONG_WAIT_SECONDS = 120;
const MAX_TIMESTAMP_BYTES = 65_536;

export interface ProbedIndex extends Observed {
  readonly objects: ObjectStore;
  /** Seconds that a new timestamp is good for. */
  readonly timestampLifetime: number;
  /** When publishing failed last; undefined once it worked again. */
  readonly failedAt: () => Date | undefined;
}

/** What must work for people to install and upload. Each question costs the same however large the index is. */
export function probesOf(index: ProbedIndex): ReadonlyMap<string, Probe> {
  return new Map([
    ['metadata', () => metadata(index)],
    ['records', () => records(index)],
    ['objects', () => objects(index)],
    ['signing', () => signing(index)],
    ['waiting', () => waiting(index)],
  ]);
}

async function metadata(index: ProbedIndex): Promise<string> {
  const headroom = Math.min(HEADROOM_SECONDS, index.timestampLifetime * HEADROOM_SHARE);
  const left = (await expiries(index)).map(([{ role }, seconds]) => ({ role, seconds }));
  for (const { role, seconds } of left) {
    if (seconds === undefined) throw new Unready(`there is no metadata of ${role}`);
    if (seconds <= 0) throw new Unready(`${role} expired ${describe(-seconds)} ago`);
    if (seconds < headroom) throw new Unready(`${role} expires in ${describe(seconds)}`);
  }
  const [soonest] = left.toSorted((a, b) => (a.seconds ?? 0) - (b.seconds ?? 0));
  return `${soonest?.role} expires first, in ${describe(soonest?.seconds ?? 0)}`;
}

async function records({ records: { read } }: ProbedIndex): Promise<string> {
  await read.selectFrom('publications').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return 'readable';
}

/** What everyone begins with: it must be there, and be what this process says that it published. */
async function objects(index: ProbedIndex): Promise<string> {
  const bytes = await index.objects.get('metadata/timestamp.json', { maxLength: MAX_TIMESTAMP_BYTES });
  if (!bytes) throw new Unready('the object store holds no timestamp');
  const { version } = parseTimestamp(bytes).signed;
  const known = index.table.version('timestamp') ?? 0;
  if (version < known) throw new Unready(`the object store holds timestamp ${version}, and ${known} is published`);
  return `readable, timestamp version ${version}`;
}

async function signing(index: ProbedIndex): Promise<string> {
  const failed = index.failedAt();
  if (failed) throw new Unready(`publishing fails since ${failed.toISOString()}; it is tried again`);
  const oldest = await first(index.records.read).executeTakeFirst();
  const seconds = oldest ? (index.clock().getTime() - oldest.recorded_at) / 1000 : 0;
  if (seconds > LONG_WAIT_SECONDS) throw new Unready(`a change has waited for its signature for ${describe(seconds)}`);
  return index.signer().leads ? 'this process signs' : 'another process signs';
}

/** Whatever waits for people keeps nobody else from installing or uploading. */
async function waiting({ records: { read } }: ProbedIndex): Promise<string> {
  const [files, transactions, claims] = await Promise.all(
    [filesStaged, transactionsWaiting, claimsWaiting].map((count) => count(read).executeTakeFirstOrThrow()),
  );
  return `${files?.count} staged files, ${transactions?.count} transactions for signatures, ${claims?.count} claims for an offline signing`;
}

function describe(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
