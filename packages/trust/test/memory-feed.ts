import { createHash } from 'node:crypto';
import type { FeedChange } from '../src/feed/changes.ts';
import { ChunkEncoder, type ChunkHead } from '../src/feed/chunk.ts';
import { mergedParts } from '../src/feed/merge.ts';
import { applyChange } from '../src/feed/next-state.ts';
import { endsRange, feedPath, type FeedRange, MAX_LEVEL, sweptAfter } from '../src/feed/range.ts';
import type { RoleEntry } from '../src/snapshot-tree/cell.ts';
import { SnapshotTree } from '../src/snapshot-tree/tree.ts';

export const entryOf = (role: string, version: number): RoleEntry => ({
  role,
  version,
  length: 100 + version,
  sha256: createHash('sha256').update(`${role} ${version}`).digest('hex'),
});

export const byRole = (a: { role: string }, b: { role: string }): number => (a.role < b.role ? -1 : 1);

/** A feed as an index keeps it: chunks are merged and swept at once, unless they are told to wait. */
export class MemoryFeed {
  readonly objects = new Map<string, Uint8Array>();
  readonly tree = new SnapshotTree();
  version = 0;
  begins = 0;
  /** Of the tree after each version. */
  readonly roots: string[] = [this.tree.commit()];
  /** Addresses that were asked for, and the bytes that were answered. */
  requests: string[] = [];
  bytes = 0;
  /** Merging waits, as after a crash; `mergeUpTo` makes up for it. */
  lazy = false;
  private merged = 0;
  /** Bytes of a part. */
  partBytes: number | undefined;

  async fetch(path: string, maxLength: number): Promise<Uint8Array | undefined> {
    this.requests.push(path);
    const bytes = this.objects.get(path);
    this.bytes += bytes?.length ?? 0;
    return bytes && bytes.length <= maxLength ? bytes : undefined;
  }

  /** Publishes these changes as the next version. */
  async publish(changes: readonly FeedChange[]): Promise<void> {
    for (const change of changes) applyChange(this.tree, change, 'a publication');
    this.roots.push(this.tree.commit());
    this.version++;
    if (this.begins === 0) this.begins = this.version;
    const whole = this.begins === this.version;
    this.put({ level: 0, last: this.version }, whole ? this.whole() : changes);
    if (!this.lazy) await this.mergeUpTo();
  }

  /** Goes on without what was before: the feed begins anew with the next version. */
  restart(): void {
    this.begins = 0;
  }

  async mergeUpTo(): Promise<void> {
    for (let last = this.merged + 1; last <= this.version; last++)
      for (let level = 1; level <= MAX_LEVEL && endsRange(level, last); level++) await this.merge({ level, last });
    this.merged = this.version;
  }

  get state(): { version: number; root: string } {
    return { version: this.version, root: this.roots[this.version] ?? '' };
  }

  private whole(): readonly FeedChange[] {
    return Array.from(this.tree.entries(), (entry) => ({ role: entry.role, entry }));
  }

  private put(range: FeedRange, changes: readonly FeedChange[]): void {
    const { version, begins } = this;
    const head: ChunkHead = {
      ...range,
      begins,
      root: this.roots[version] ?? '',
      rootVersion: 0,
      snapshotVersion: version,
    };
    const encoder = new ChunkEncoder(head, this.partBytes);
    const parts = changes.toSorted(byRole).flatMap((change) => encoder.add(change));
    for (const [part, bytes] of [...parts, encoder.finish()].entries()) this.objects.set(feedPath(range, part), bytes);
  }

  private async merge(range: FeedRange): Promise<void> {
    let part = 0;
    for await (const bytes of mergedParts({ fetch: async (path) => this.objects.get(path) }, range, {
      partBytes: this.partBytes,
    }))
      this.objects.set(feedPath(range, part++), bytes);
    for (const old of sweptAfter(range)) for (let number = 0; this.objects.delete(feedPath(old, number)); number++);
  }
}
