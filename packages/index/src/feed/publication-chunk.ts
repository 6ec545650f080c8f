import { ChunkEncoder, type ChunkHead, type FeedChange, snapshotTreeRoot } from '@holdfast/trust';
import { compareCodePoints, parseTimestamp } from '@holdfast/tuf';
import { DamagedIndexError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { PendingPublication } from '../publish/publications.ts';
import type { Records } from '../records/records.ts';
import { putChunk } from './feed-objects.ts';
import { feedProgress, noteBeginning } from './feed-table.ts';
import { stateAfter } from './state-after.ts';

/** What the feed says of one publication. */
export interface FeedPublication {
  /** The version of its timestamp. */
  readonly id: number;
  /** Signed; it names the root hash of the snapshot tree. */
  readonly timestamp: Uint8Array;
  /** Of a new root.json; 0 when there is none. */
  readonly rootVersion: number;
  /** Of a new flat snapshot; 0 when there is none. */
  readonly snapshotVersion: number;
  /** Every role that it changes or takes away, once, by name (in code points). */
  readonly changes: AsyncIterable<FeedChange> | Iterable<FeedChange>;
}

/**
 * Puts the chunk of one publication. It is made of what is recorded alone, so that after a crash the same bytes are put again. Where no
 * feed is, it begins here, with every role.
 */
export async function putFeedChunk(
  records: Records,
  objects: ObjectStore,
  publication: FeedPublication,
): Promise<void> {
  const { id } = publication;
  const begins = (await feedProgress(records))?.begins ?? id;
  const head = await headOf(records, begins, publication);
  const changes = begins === id ? stateAfter(records, publication.changes) : publication.changes;
  await putChunk(objects, head, encoded(head, changes));
  if (begins === id) await noteBeginning(records, id);
}

async function headOf(
  records: Records,
  begins: number,
  { id, timestamp, rootVersion, snapshotVersion }: FeedPublication,
): Promise<ChunkHead> {
  const root = snapshotTreeRoot(parseTimestamp(timestamp).signed);
  if (root === undefined) throw new DamagedIndexError('records', `timestamp version ${id} names no snapshot tree`);
  const head = { level: 0, last: id, begins, root };
  if (begins !== id) return { ...head, rootVersion, snapshotVersion };
  // Who begins here has to learn of both.
  const newest = await records.read
    .selectFrom('roots')
    .select('version')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const { snapshot } = await records.read
    .selectFrom('publications')
    .select('snapshot')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return { ...head, rootVersion: newest?.version ?? 0, snapshotVersion: snapshot };
}

async function* encoded(head: ChunkHead, changes: FeedPublication['changes']): AsyncGenerator<Uint8Array, void> {
  const encoder = new ChunkEncoder(head);
  for await (const change of changes) yield* encoder.add(change);
  yield encoder.finish();
}

/** The same, of a publication that is about to be finished. */
export function putFeedOf(records: Records, objects: ObjectStore, pending: PendingPublication): Promise<void> {
  const roleOf = (name: string) => pending.roles.find(({ role }) => role === name);
  return putFeedChunk(records, objects, {
    id: pending.id,
    timestamp: roleOf('timestamp')?.bytes ?? new Uint8Array(),
    rootVersion: pending.root?.version ?? 0,
    snapshotVersion: roleOf('snapshot')?.version ?? 0,
    changes: changesOf(pending),
  });
}

/** One by one: a rotation of keys changes a million roles. */
function* changesOf({ roles, retired }: PendingPublication): Generator<FeedChange, void> {
  const listed = roles.filter(({ role }) => role !== 'timestamp' && role !== 'snapshot');
  const all = [...listed, ...retired.map((role) => ({ role }))];
  for (const each of all.sort((a, b) => compareCodePoints(a.role, b.role))) {
    const { role } = each;
    if ('sha256' in each)
      yield { role, entry: { role, version: each.version, length: each.length, sha256: each.sha256 } };
    else yield { role, entry: undefined };
  }
}
