import { rolePosition } from '../snapshot-tree/position.ts';
import type { RoleEntry } from '../snapshot-tree/cell.ts';
import { toHex } from '../hex.ts';
import { FeedError } from '../errors.ts';

/** What became of a role: `entry` is undefined when the snapshot does not list it any more. */
export interface FeedChange {
  readonly role: string;
  readonly entry: RoleEntry | undefined;
}

const MAX_NAME_BYTES = 255;
export const HASH_BYTES = 32;
/** Lengths of the names, the name, and two numbers of at most 8 bytes. */
export const MAX_CHANGE_BYTES = 2 + MAX_NAME_BYTES + 2 * 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Writes a change at `at`, all but the hash, with the part of its name that the name before it does not begin with.
 * @returns where it ends, and its name for the next one
 */
export function writeChange(
  bytes: Uint8Array,
  at: number,
  { role, entry }: FeedChange,
  previous: Uint8Array,
): { readonly end: number; readonly name: Uint8Array } {
  const name = encoder.encode(role);
  if (name.length > MAX_NAME_BYTES) throw new RangeError(`the name of the role ${role} is too long`);
  let shared = 0;
  while (shared < name.length && name[shared] === previous[shared]) shared++;
  bytes[at] = shared;
  bytes[at + 1] = name.length - shared;
  bytes.set(name.subarray(shared), at + 2);
  let end = writeNumber(bytes, at + 2 + name.length - shared, entry?.version ?? 0);
  if (entry) end = writeNumber(bytes, end, entry.length);
  return { end, name };
}

/** Writes 64 hex digits as bytes. */
export function writeHash(bytes: Uint8Array, at: number, hex: string): void {
  for (let digit = 0; digit < 2 * HASH_BYTES; digit += 2)
    bytes[at + digit / 2] = Number.parseInt(hex.slice(digit, digit + 2), 16);
}

/** All changes of a list, with the hashes that stand apart. @throws FeedError for anything but their one encoding */
export function readChanges(list: Uint8Array, hashes: Uint8Array, path: string): FeedChange[] {
  const changes: FeedChange[] = [];
  let name: Uint8Array = new Uint8Array();
  let at = 0;
  for (let next = 0; next < list.length; ) {
    const start = next + 2;
    const [shared = 0, more = 0] = [list[next], list[next + 1]];
    name = nextName(name, shared, list.subarray(start, start + more), more, path);
    const role = decodeName(name, path);
    const version = readNumber(list, start + more, path);
    next = version.end;
    if (version.value === 0) {
      changes.push({ role, entry: undefined });
      continue;
    }
    const length = readNumber(list, next, path);
    next = length.end;
    if (at + HASH_BYTES > hashes.length) throw new FeedError('truncated', path);
    const sha256 = toHex(hashes.subarray(at, at + HASH_BYTES));
    at += HASH_BYTES;
    changes.push({ role, entry: { role, version: version.value, length: length.value, sha256 } });
  }
  if (at !== hashes.length) throw new FeedError('malformed', path);
  return changes;
}

function nextName(previous: Uint8Array, shared: number, rest: Uint8Array, more: number, path: string): Uint8Array {
  if (rest.length < more || more === 0) throw new FeedError(more === 0 ? 'malformed' : 'truncated', path);
  // What is shared is as long as can be, so that a name has one encoding.
  if (shared > previous.length || rest[0] === previous[shared] || shared + more > MAX_NAME_BYTES)
    throw new FeedError('malformed', path);
  const name = new Uint8Array(shared + more);
  name.set(previous.subarray(0, shared));
  name.set(rest, shared);
  return name;
}

function decodeName(name: Uint8Array, path: string): string {
  let role: string;
  try {
    role = decoder.decode(name);
  } catch (cause) {
    throw new FeedError('malformed', path, { cause });
  }
  if (rolePosition(role) === undefined) throw new FeedError('malformed', path);
  return role;
}

/** Seven bits a byte, the lowest first; the highest bit says that another byte follows. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a natural number`);
  let rest = value;
  let end = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[end++] = (rest % 0x80) | 0x80;
  bytes[end++] = rest;
  return end;
}

export function readNumber(
  bytes: Uint8Array,
  at: number,
  path: string,
): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new FeedError('truncated', path);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) === 0) {
      // A last byte of zero says nothing: the number has a shorter form.
      if ((byte === 0 && index > 0) || !Number.isSafeInteger(value)) break;
      return { value, end: at + index + 1 };
    }
  }
  throw new FeedError('malformed', path);
}
