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
 * The feed from what a file keeps on. What {@link next} told is kept by {@link keep} alone: so whoever tells others of it can do that
 * first, and tells it again after a crash between the two.
 */
export class KeptFeed {
  readonly #source: FeedSource;
  readonly #file: string;
  readonly #newest: () => Promise<PublishedState>;
  #follower: FeedFollower;

  private constructor(follower: FeedFollower, source: FeedSource, file: string, newest: () => Promise<PublishedState>) {
    this.#follower = follower;
    this.#source = source;
    this.#file = file;
    this.#newest = newest;
  }

  /** @param newest what a verified timestamp names now */
  static async open(source: FeedSource, file: string, newest: () => Promise<PublishedState>): Promise<KeptFeed> {
    return new KeptFeed(await restored(source, file), source, file, newest);
  }

  /**
   * What changed up to the newest timestamp since this, or another process that kept it, was last asked.
   * @throws FeedError when the feed does not lead there; the next call begins where this one did
   */
  async next(): Promise<FollowedFeed> {
    const to = await this.#newest();
    // Of an index that was trusted anew, or a clock that went back: what is verified now counts.
    if (this.#follower.state.version > to.version) this.#follower = new FeedFollower(this.#source);
    const before = this.#follower.state.version === 0 ? undefined : this.#follower.state;
    const { changes } = await this.#follower.follow(to);
    return { before, after: this.#follower.state, roles: this.#follower.roles.size, changes: [...changes()] };
  }

  /** The file begins from here on. Not while {@link next} is under way. */
  async keep(): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFileAtomic(this.#file, framed(this.#follower.save()));
  }
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
