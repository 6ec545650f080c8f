import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FeedError, FeedFollower, type FeedSource, type FollowedChange, type PublishedState } from '@holdfast/trust';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { AbsentError } from '../errors.ts';
import type { Mirrors } from '../fetch/mirrors.ts';

/** What changed between two verified timestamps. */
export interface FollowedFeed {
  /** Undefined when nothing was known before. */
  readonly before: PublishedState | undefined;
  readonly after: PublishedState;
  /** Roles that the snapshot lists now. */
  readonly roles: number;
  /** All of them when nothing was known before. */
  readonly changes: readonly FollowedChange[];
}

/** The change feed from any mirror. Nothing that it says is verified. */
export function mirroredFeed(mirrors: Mirrors): FeedSource {
  return {
    async fetch(path, maxLength) {
      try {
        return await mirrors.first((mirror) => mirror.read(path, { maxLength }));
      } catch (error) {
        if (error instanceof AbsentError) return undefined;
        throw error;
      }
    },
  };
}

/**
 * Follows the feed from what the file keeps to what a verified timestamp names, and keeps that instead.
 * @throws FeedError when the feed does not lead there; the file stays as it was
 */
export async function followFeed(source: FeedSource, to: PublishedState, file: string): Promise<FollowedFeed> {
  const kept = await restored(source, file);
  // Of an index that was trusted anew, or a clock that went back: what is verified now counts.
  const follower = kept.state.version > to.version ? new FeedFollower(source) : kept;
  const before = follower.state.version === 0 ? undefined : follower.state;
  const { changes } = await follower.follow(to);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, framed(follower.save()));
  return { before, after: follower.state, roles: follower.roles.size, changes: [...changes()] };
}

/** From nothing when nothing is kept, or what is kept is damaged. */
async function restored(source: FeedSource, file: string): Promise<FeedFollower> {
  try {
    return await FeedFollower.restore(source, unframed(await readFile(file)));
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!absent && !(error instanceof FeedError)) throw error;
    return new FeedFollower(source);
  }
}

/** Each part behind its length in four bytes. */
function framed(parts: Iterable<Uint8Array>): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    pieces.push(length, part);
  }
  return Buffer.concat(pieces);
}

function* unframed(bytes: Buffer): Generator<Uint8Array, void> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}
