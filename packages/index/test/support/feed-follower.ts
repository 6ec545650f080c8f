import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FeedFollower, type FeedSource, type PublishedState, type RoleEntry, snapshotTreeRoot } from '@holdfast/trust';
import { parseTimestamp } from '@holdfast/tuf';
import type { OpenIndex } from '../../src/index.ts';

/** The feed and the timestamp of an index, as anyone gets them. */
export interface Published {
  readonly source: FeedSource;
  readonly timestamp: () => Promise<Uint8Array>;
}

/** From a server. */
export function servedFeed(url: string): Published {
  const get = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await fetch(`${url}/${path}`);
    const body = new Uint8Array(await response.arrayBuffer());
    assert.ok(response.ok || response.status === 404, `${path}: ${response.status}`);
    return response.ok ? body : undefined;
  };
  return { source: { fetch: get }, timestamp: async () => (await get('metadata/timestamp.json')) ?? assert.fail() };
}

/** From the files of an index, while no process has it open. */
export function filedFeed(directory: string): Published {
  const get = (path: string): Promise<Uint8Array> => readFile(join(directory, 'objects', path));
  return {
    source: { fetch: (path) => get(path).catch(() => undefined) },
    timestamp: () => get('metadata/timestamp.json'),
  };
}

/** What the timestamp names. Signatures are the business of others. */
export async function publishedState({ timestamp }: Published): Promise<PublishedState> {
  const { signed } = parseTimestamp(await timestamp());
  return { version: signed.version, root: snapshotTreeRoot(signed) ?? assert.fail('no snapshot tree') };
}

export const newFollower = ({ source }: Published): FeedFollower => new FeedFollower(source);

/** Follows to what the timestamp names now. @returns the names of what changed, sorted */
export async function catchUp(follower: FeedFollower, published: Published): Promise<readonly string[]> {
  const { changes } = await follower.follow(await publishedState(published));
  return Array.from(changes(), ({ role }) => role).sort();
}

const byRole = (a: RoleEntry, b: RoleEntry): number => (a.role < b.role ? -1 : 1);

/** That a follower lists exactly what the records do. */
export async function assertFollowed(follower: FeedFollower, index: OpenIndex): Promise<void> {
  const rows = await index.records.read
    .selectFrom('roles')
    .select(['role', 'version', 'length', 'sha256'])
    .where('role', 'not in', ['timestamp', 'snapshot'])
    .where('retired', '=', 0)
    .execute();
  const listed = rows.map((row): RoleEntry => ({ ...row }));
  assert.deepEqual([...follower.roles.entries()].sort(byRole), listed.sort(byRole));
}
