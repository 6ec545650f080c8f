import { compareCodePoints } from '@holdfast/tuf';
import { ProofError } from '../errors.ts';
import { toHex } from '../hex.ts';
import { type Position, rolePosition } from './position.ts';

/** What a snapshot says about a role. */
export interface RoleEntry {
  readonly role: string;
  readonly version: number;
  /** Bytes. */
  readonly length: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

const FIXED_BYTES = 1 + 8 + 8 + 32;
const MAX_NAME_BYTES = 255;
/** A proof says the length of a cell in two bytes. */
const MAX_CELL_BYTES = 0xffff;

/**
 * The roles at one position, sorted by name: for each, one byte with the length of its name, the name in UTF-8, version and
 * length in bytes as 64-bit numbers, big-endian, and the SHA-256 of the role's file.
 */
export function encodeCell(entries: readonly RoleEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => compareCodePoints(a.role, b.role));
  const names = sorted.map(({ role }) => new TextEncoder().encode(role));
  const bytes = new Uint8Array(names.reduce((sum, name) => sum + name.length + FIXED_BYTES, 0));
  if (bytes.length > MAX_CELL_BYTES) throw new RangeError(`${entries.length} roles do not fit one cell`);
  let at = 0;
  for (const [index, { role, version, length, sha256 }] of sorted.entries()) {
    const name = names[index] ?? new Uint8Array();
    if (name.length > MAX_NAME_BYTES) throw new RangeError(`the name of the role ${role} is too long`);
    bytes[at++] = name.length;
    bytes.set(name, at);
    at = writeNumber(bytes, at + name.length, version);
    at = writeNumber(bytes, at, length);
    for (let digit = 0; digit < 64; digit += 2) bytes[at++] = Number.parseInt(sha256.slice(digit, digit + 2), 16);
  }
  return bytes;
}

/** @throws ProofError when the bytes are not the one encoding of roles that belong at `position` */
export function decodeCell(bytes: Uint8Array, position: Position): readonly RoleEntry[] {
  const entries: RoleEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + 1;
    const end = start + (bytes[at] ?? 0);
    if (end + FIXED_BYTES - 1 > bytes.length) throw new ProofError('a cell ends too early');
    const role = decodeName(bytes.subarray(start, end));
    const version = readNumber(bytes, end);
    const length = readNumber(bytes, end + 8);
    at = end + FIXED_BYTES - 1;
    const previous = entries.at(-1);
    if (previous !== undefined && compareCodePoints(previous.role, role) >= 0)
      throw new ProofError('the roles of a cell are not in order');
    const own = rolePosition(role);
    if (own?.bits !== position.bits || own.depth !== position.depth)
      throw new ProofError(`the role ${JSON.stringify(role)} stands at the place of others`);
    entries.push({ role, version, length, sha256: toHex(bytes.subarray(at - 32, at)) });
  }
  return entries;
}

/** Roles and versions of cells that stand one behind the other. Only for what {@link encodeCell} made: nothing is checked. */
export function* listedVersions(cells: Uint8Array): Generator<readonly [role: string, version: number], void> {
  const decoder = new TextDecoder();
  for (let at = 0; at < cells.length; ) {
    const end = at + 1 + (cells[at] ?? 0);
    yield [decoder.decode(cells.subarray(at + 1, end)), readNumber(cells, end)];
    at = end + FIXED_BYTES - 1;
  }
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProofError('the name of a role is not UTF-8', { cause });
  }
}

function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a natural number`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value % 2 ** 32);
  return at + 8;
}

function readNumber(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (!Number.isSafeInteger(value)) throw new ProofError('a number in a cell is beyond 2^53-1');
  return value;
}
