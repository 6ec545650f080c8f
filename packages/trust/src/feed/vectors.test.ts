import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { RoleEntry } from '../snapshot-tree/cell.ts';
import { decodePart } from './chunk.ts';
import { FeedFollower } from './follower.ts';
import { mergedParts } from './merge.ts';
import { feedPath, planRanges } from './range.ts';

interface Vectors {
  readonly chunks: readonly {
    readonly path: string;
    readonly bytes: string;
    readonly begins: number;
    readonly root: string;
    readonly rootVersion: number;
    readonly snapshotVersion: number;
    readonly changes: readonly (Partial<RoleEntry> & { readonly role: string })[];
  }[];
  readonly states: readonly { readonly version: number; readonly root: string; readonly roles: readonly RoleEntry[] }[];
  readonly plans: readonly { readonly after: number; readonly to: number; readonly chunks: readonly string[] }[];
  readonly refused: readonly { readonly path: string; readonly bytes: string; readonly fault: string }[];
}

const file = new URL('../../../../docs/formats/change-feed.json', import.meta.url);
const { chunks, states, plans, refused } = JSON.parse(await readFile(file, 'utf8')) as Vectors;
const objects = new Map(chunks.map(({ path, bytes }) => [path, Uint8Array.from(Buffer.from(bytes, 'hex'))]));
const source = { fetch: async (path: string): Promise<Uint8Array | undefined> => objects.get(path) };

function rangeOf(path: string): { level: number; last: number } {
  const [, level = '', last = ''] = /^feed\/(\d+)\/(\d+)\.0$/.exec(path) ?? assert.fail(path);
  return { level: Number(level), last: Number(last) };
}

test('the published chunks say what they are said to say, and those of higher levels are made of the others', async () => {
  assert.ok(chunks.length >= 6);
  for (const { path, bytes, changes, ...said } of chunks) {
    const range = rangeOf(path);
    const { head, changes: read, more } = decodePart(objects.get(path) ?? assert.fail(), range, 0);
    assert.deepEqual({ ...range, ...said }, { ...head }, path);
    assert.deepEqual(
      read.map(({ role, entry }) => entry ?? { role }),
      changes,
      path,
    );
    assert.equal(more, false);
    if (range.level === 0) continue;
    const made = await Array.fromAsync(mergedParts(source, range));
    assert.deepEqual(
      made.map((part) => Buffer.from(part).toString('hex')),
      [bytes],
      path,
    );
  }
});

test('following the published chunks leads to the published root hashes and roles', async () => {
  for (const { version, root, roles } of states) {
    const follower = new FeedFollower(source);
    await follower.follow({ version, root });
    assert.deepEqual(
      Array.from(follower.roles.entries()).sort((a, b) => (a.role < b.role ? -1 : 1)),
      roles,
    );
  }
});

test('the published plans hold, and the published wrong chunks are refused', () => {
  for (const { after, to, chunks: planned } of plans)
    assert.deepEqual(
      planRanges(after, to).map((range) => feedPath(range, 0)),
      planned,
    );
  for (const { path, bytes, fault } of refused)
    assert.throws(() => decodePart(Uint8Array.from(Buffer.from(bytes, 'hex')), rangeOf(path), 0), { fault }, bytes);
});
