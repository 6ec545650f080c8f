import { FeedError } from '../errors.ts';
import { SnapshotTree } from '../snapshot-tree/tree.ts';
import { ChunkEncoder, decodeUnordered, type ChunkPart } from './chunk.ts';
import { applyChange, type PublishedState } from './next-state.ts';

/** Stands for an address in errors. */
const SAVED = 'the saved state';

/** A whole tree, as the chunk of its last publication would have it if the feed began there, but not sorted. */
export function* saveState(tree: SnapshotTree, { version, root }: PublishedState): Generator<Uint8Array, void> {
  if (version === 0) return;
  const encoder = new ChunkEncoder({
    level: 0,
    last: version,
    begins: version,
    root,
    rootVersion: 0,
    snapshotVersion: 0,
  });
  for (const entry of tree.entries()) yield* encoder.add({ role: entry.role, entry });
  yield encoder.finish();
}

/** Reads what {@link saveState} wrote. @throws FeedError when it is damaged: the root hash covers every role, not the version */
export async function loadState(
  saved: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<{ readonly tree: SnapshotTree; readonly state: PublishedState }> {
  const tree = new SnapshotTree();
  let last: ChunkPart | undefined;
  for await (const bytes of saved) {
    last = decodeUnordered(bytes, SAVED);
    for (const change of last.changes) applyChange(tree, change, SAVED);
  }
  const root = tree.commit();
  if (!last) return { tree, state: { version: 0, root } };
  if (last.more) throw new FeedError('truncated', SAVED);
  if (last.head.root !== root) throw new FeedError('fork', SAVED);
  return { tree, state: { version: last.head.last, root } };
}
