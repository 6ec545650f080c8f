import { compareCodePoints } from '@holdfast/tuf';
import { FeedError } from '../errors.ts';
import { toHex } from '../hex.ts';
import {
  type FeedChange,
  HASH_BYTES,
  MAX_CHANGE_BYTES,
  readChanges,
  readNumber,
  writeChange,
  writeHash,
  writeNumber,
} from './changes.ts';
import { feedPath, type FeedRange, firstOf } from './range.ts';

/** What a chunk says of itself, in each of its parts. */
export interface ChunkHead extends FeedRange {
  /** The timestamp version with which the feed begins: its chunk lists every role there was. */
  readonly begins: number;
  /** Root hash of the snapshot tree after the last publication, lower-case hex. */
  readonly root: string;
  /** The newest root.json that came in the range; 0 when none did. */
  readonly rootVersion: number;
  /** The newest flat snapshot that came in the range; 0 when none did. */
  readonly snapshotVersion: number;
}

/** A part of a chunk. */
export interface ChunkPart {
  readonly head: ChunkHead;
  /** Counted from 0. */
  readonly part: number;
  /** Whether another part follows. */
  readonly more: boolean;
  /** Sorted by the names of the roles. */
  readonly changes: readonly FeedChange[];
}

const FORMAT = 1;
const MORE = 1;
/** Format, level, flags, part, root hash. Five numbers come after them. */
const FIXED_BYTES = 4 + HASH_BYTES;
const MAX_HEAD_BYTES = FIXED_BYTES + 5 * 8;
/** The most bytes of a part. */
export const MAX_PART_BYTES = 4 << 20;
/** The most parts of a chunk: 25 million roles. */
export const MAX_PARTS = 256;

/** Whether a chunk says everything about its last version: it holds the beginning of the feed, so nothing comes before it. */
export function isComplete(head: ChunkHead): boolean {
  return head.begins >= firstOf(head);
}

/**
 * Cuts changes into the parts of a chunk: docs/formats/change-feed.md. The same changes make the same bytes.
 *
 * ```ts
 * const encoder = new ChunkEncoder(head);
 * for (const change of changes) parts.push(...encoder.add(change)); // sorted by role, each role once
 * parts.push(encoder.finish());
 * ```
 */
export class ChunkEncoder {
  private readonly head: ChunkHead;
  private readonly limit: number;
  private list = new Uint8Array(1024);
  private listed = 0;
  private hashes = new Uint8Array(1024);
  private hashed = 0;
  private part = 0;
  private name: Uint8Array = new Uint8Array();

  /** @param limit bytes of a part, at most {@link MAX_PART_BYTES} */
  constructor(head: ChunkHead, limit: number = MAX_PART_BYTES) {
    this.head = head;
    this.limit = limit - MAX_HEAD_BYTES;
  }

  /** @returns a part that is full now, or nothing. @throws RangeError for a chunk of more than 256 parts */
  add(change: FeedChange): readonly Uint8Array[] {
    this.list = withRoom(this.list, this.listed + MAX_CHANGE_BYTES);
    this.hashes = withRoom(this.hashes, this.hashed + HASH_BYTES);
    const { end, name } = writeChange(this.list, this.listed, change, this.name);
    const hashed = this.hashed + (change.entry ? HASH_BYTES : 0);
    if (end + hashed > this.limit && this.listed > 0) {
      const full = this.take(MORE);
      if (++this.part >= MAX_PARTS) throw new RangeError('more changes than a chunk of the feed holds');
      return [full, ...this.add(change)];
    }
    if (change.entry) writeHash(this.hashes, this.hashed, change.entry.sha256);
    this.hashed = hashed;
    this.listed = end;
    this.name = name;
    return [];
  }

  /** The last part. */
  finish(): Uint8Array {
    return this.take(0);
  }

  private take(flags: number): Uint8Array {
    const { level, last, begins, root, rootVersion, snapshotVersion } = this.head;
    const part = new Uint8Array(MAX_HEAD_BYTES + this.listed + this.hashed);
    part.set([FORMAT, level, flags, this.part]);
    writeHash(part, 4, root);
    const at = [last, begins, rootVersion, snapshotVersion, this.listed].reduce(
      (end, value) => writeNumber(part, end, value),
      FIXED_BYTES,
    );
    // Apart from the rest, which compresses well.
    part.set(this.list.subarray(0, this.listed), at);
    part.set(this.hashes.subarray(0, this.hashed), at + this.listed);
    const length = at + this.listed + this.hashed;
    [this.listed, this.hashed, this.name] = [0, 0, new Uint8Array()];
    return part.slice(0, length);
  }
}

function withRoom(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes;
  const larger = new Uint8Array(2 * length);
  larger.set(bytes);
  return larger;
}

/**
 * Reads the part of a chunk that was asked for. What it says is not verified: the root hash of a signed timestamp decides.
 * @throws FeedError for anything but the one encoding of that part
 */
export function decodePart(bytes: Uint8Array, range: FeedRange, part: number): ChunkPart {
  const path = feedPath(range, part);
  const decoded = decodeUnordered(bytes, path);
  const { head, changes } = decoded;
  if (head.level !== range.level || head.last !== range.last || decoded.part !== part)
    throw new FeedError('misplaced', path);
  assertOrder(changes, path);
  if (isComplete(head) && changes.some(({ entry }) => entry === undefined)) throw new FeedError('malformed', path);
  if (decoded.more && part + 1 === MAX_PARTS) throw new FeedError('too-large', path);
  return decoded;
}

/** Any part of any chunk, in any order: what a follower keeps for itself need not be sorted. @throws FeedError */
export function decodeUnordered(bytes: Uint8Array, path: string): ChunkPart {
  if (bytes.length > MAX_PART_BYTES) throw new FeedError('too-large', path);
  const [format, level = 0, flags = 0, part = 0] = bytes;
  if (format !== undefined && format !== FORMAT) throw new FeedError('unknown-format', path);
  if (bytes.length < FIXED_BYTES) throw new FeedError('truncated', path);
  const numbers: number[] = [];
  let at = FIXED_BYTES;
  while (numbers.length < 5) {
    const { value, end } = readNumber(bytes, at, path);
    numbers.push(value);
    at = end;
  }
  const [last = 0, begins = 0, rootVersion = 0, snapshotVersion = 0, listed = 0] = numbers;
  if (at + listed > bytes.length) throw new FeedError('truncated', path);
  const more = flags === MORE;
  if ((!more && flags !== 0) || begins === 0 || begins > last || (more && listed === 0))
    throw new FeedError('malformed', path);
  const head = { level, last, begins, root: toHex(bytes.subarray(4, FIXED_BYTES)), rootVersion, snapshotVersion };
  const changes = readChanges(bytes.subarray(at, at + listed), bytes.subarray(at + listed), path);
  return { head, part, more, changes };
}

function assertOrder(changes: readonly FeedChange[], path: string): void {
  let previous: string | undefined;
  for (const { role } of changes) {
    if (previous !== undefined && compareCodePoints(previous, role) >= 0) throw new FeedError('disorder', path);
    previous = role;
  }
}
