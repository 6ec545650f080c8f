import { compareCodePoints } from '@holdfast/tuf';
import { FeedError } from '../errors.ts';
import { toHex } from '../hex.ts';
import { type FeedChange, MAX_CHANGE_BYTES, readChanges, readNumber, writeChange, writeNumber } from './changes.ts';
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
/** Format, level, flags, part, root hash. The numbers come after them. */
const FIXED_BYTES = 1 + 1 + 1 + 1 + 32;
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
  private bytes: Uint8Array<ArrayBuffer>;
  private at: number;
  private part = 0;
  private name: Uint8Array = new Uint8Array();

  /** @param limit bytes of a part, at most {@link MAX_PART_BYTES} */
  constructor(head: ChunkHead, limit: number = MAX_PART_BYTES) {
    this.head = head;
    this.limit = limit;
    this.bytes = new Uint8Array(1024);
    this.at = this.begin();
  }

  /** @returns a part that is full now, or nothing. @throws RangeError for a chunk of more than 256 parts */
  add(change: FeedChange): readonly Uint8Array[] {
    this.reserve();
    const { end, name } = writeChange(this.bytes, this.at, change, this.name);
    if (end <= this.limit) {
      this.at = end;
      this.name = name;
      return [];
    }
    const full = this.take(MORE);
    this.part++;
    if (this.part >= MAX_PARTS) throw new RangeError('more changes than a chunk of the feed holds');
    this.name = new Uint8Array();
    this.at = this.begin();
    return [full, ...this.add(change)];
  }

  /** The last part. */
  finish(): Uint8Array {
    return this.take(0);
  }

  private begin(): number {
    const { level, last, begins, root, rootVersion, snapshotVersion } = this.head;
    this.bytes.set([FORMAT, level, 0, this.part]);
    for (let digit = 0; digit < 64; digit += 2)
      this.bytes[4 + digit / 2] = Number.parseInt(root.slice(digit, digit + 2), 16);
    return [last, begins, rootVersion, snapshotVersion].reduce(
      (at, value) => writeNumber(this.bytes, at, value),
      FIXED_BYTES,
    );
  }

  private take(flags: number): Uint8Array {
    const part = this.bytes.slice(0, this.at);
    part[2] = flags;
    return part;
  }

  private reserve(): void {
    if (this.at + MAX_CHANGE_BYTES <= this.bytes.length) return;
    const larger = new Uint8Array(this.bytes.length * 2 + MAX_CHANGE_BYTES);
    larger.set(this.bytes);
    this.bytes = larger;
  }
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
  while (numbers.length < 4) {
    const { value, end } = readNumber(bytes, at, path);
    numbers.push(value);
    at = end;
  }
  const [last = 0, begins = 0, rootVersion = 0, snapshotVersion = 0] = numbers;
  const more = flags === MORE;
  if ((!more && flags !== 0) || begins === 0 || begins > last || (more && at === bytes.length))
    throw new FeedError('malformed', path);
  const head = { level, last, begins, root: toHex(bytes.subarray(4, FIXED_BYTES)), rootVersion, snapshotVersion };
  return { head, part, more, changes: readChanges(bytes, at, path) };
}

function assertOrder(changes: readonly FeedChange[], path: string): void {
  let previous: string | undefined;
  for (const { role } of changes) {
    if (previous !== undefined && compareCodePoints(previous, role) >= 0) throw new FeedError('disorder', path);
    previous = role;
  }
}
