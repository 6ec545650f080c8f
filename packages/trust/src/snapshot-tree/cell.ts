import { compareCodePoints } from '@holdfast/tuf';
import { ProofError } from '../errors.ts';
import { toHex } from '../hex.ts';
import { parseRotationRole } from '../project-role.ts';
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

const NOTHING_THERE = new Uint8Array();
const encoder = new TextEncoder();
const nameBuffer = new Uint8Array(MAX_NAME_BYTES + 1);
const roleBuffer = new Uint8Array(MAX_NAME_BYTES + FIXED_BYTES);
const roleView = new DataView(roleBuffer.buffer);

/**
 * One role of a cell: one byte with the length of its name, the name in UTF-8, version and length in bytes as 64-bit numbers,
 * big-endian, and the SHA-256 of the role's file. Good until the next call.
 */
export function encodeRole({ role, version, length, sha256 }: RoleEntry): Uint8Array {
  const name = encodedName(role);
  if (name === undefined) throw new RangeError(`the name of the role ${role} is too long`);
  roleBuffer[0] = name.length;
  roleBuffer.set(name, 1);
  writeNumber(1 + name.length, version);
  writeNumber(9 + name.length, length);
  const start = 17 + name.length;
  for (let byte = 0; byte < 32; byte++)
    roleBuffer[start + byte] = (hexDigit(sha256, 2 * byte) << 4) | hexDigit(sha256, 2 * byte + 1);
  return roleBuffer.subarray(0, name.length + FIXED_BYTES);
}

/** What a role takes in a cell, in bytes. */
export function entryBytes(role: string): number {
  return encoder.encode(role).length + FIXED_BYTES;
}

/** The cell with one role more, or another version of it. A cell is its roles, one behind the other, sorted by name. */
export function withRole(cell: Uint8Array, role: Uint8Array): Uint8Array {
  return cell.length === 0 ? role : spliced(cell, rangeOf(cell, role.subarray(1, 1 + (role[0] ?? 0))), role);
}

/** The cell without that role. */
export function withoutRole(cell: Uint8Array, role: string): Uint8Array {
  const name = encodedName(role);
  return name === undefined ? cell : spliced(cell, rangeOf(cell, name), NOTHING_THERE);
}

/** Only for cells that were made here: nothing is checked. */
export function findRole(cell: Uint8Array, role: string): RoleEntry | undefined {
  const name = cell.length === 0 ? undefined : encodedName(role);
  if (name === undefined) return undefined;
  const { start, end } = rangeOf(cell, name);
  if (start === end) return undefined;
  const numbers = start + 1 + name.length;
  const [version, length] = [readNumber(cell, numbers), readNumber(cell, numbers + 8)];
  return { role, version, length, sha256: toHex(cell.subarray(numbers + 16, end)) };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where a role stands in a cell, or would stand. The order of UTF-8 bytes is that of code points. */
function rangeOf(cell: Uint8Array, name: Uint8Array): Range {
  let start = 0;
  while (start < cell.length) {
    const nameEnd = start + 1 + (cell[start] ?? 0);
    const order = compareBytes(cell.subarray(start + 1, nameEnd), name);
    if (order >= 0) return { start, end: order === 0 ? nameEnd + FIXED_BYTES - 1 : start };
    start = nameEnd + FIXED_BYTES - 1;
  }
  return { start, end: start };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function spliced(cell: Uint8Array, { start, end }: Range, replacement: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(cell.length - (end - start) + replacement.length);
  if (bytes.length > MAX_CELL_BYTES) throw new RangeError(`${bytes.length} bytes of roles do not fit one cell`);
  bytes.set(cell.subarray(0, start));
  bytes.set(replacement, start);
  bytes.set(cell.subarray(end), start + replacement.length);
  return bytes;
}

/** Good until the next call; `undefined` for a name that is too long. */
function encodedName(role: string): Uint8Array | undefined {
  const { read, written } = encoder.encodeInto(role, nameBuffer);
  return read < role.length || written > MAX_NAME_BYTES ? undefined : nameBuffer.subarray(0, written);
}

/** Of a lower-case digit. */
function hexDigit(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return (code & 15) + 9 * (code >> 6);
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

/** What a flat snapshot says of a role. */
export interface ListedVersion {
  readonly role: string;
  readonly version: number;
  /** Of a rotate file (TAP 8): keys that it replaces could else sign another one under its name. */
  readonly file?: Pick<RoleEntry, 'length' | 'sha256'>;
}

/** Roles and versions of cells that stand one behind the other. Only for cells that were made here: nothing is checked. */
export function* listedVersions(cells: Uint8Array): Generator<ListedVersion, void> {
  const decoder = new TextDecoder();
  for (let at = 0; at < cells.length; ) {
    const end = at + 1 + (cells[at] ?? 0);
    const next = end + FIXED_BYTES - 1;
    const role = decoder.decode(cells.subarray(at + 1, end));
    const version = readNumber(cells, end);
    if (parseRotationRole(role)) {
      const file = { length: readNumber(cells, end + 8), sha256: toHex(cells.subarray(end + 16, next)) };
      yield { role, version, file };
    } else yield { role, version };
    at = next;
  }
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProofError('the name of a role is not UTF-8', { cause });
  }
}

function writeNumber(at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a natural number`);
  roleView.setUint32(at, Math.floor(value / 2 ** 32));
  roleView.setUint32(at + 4, value % 2 ** 32);
}

function readNumber(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (!Number.isSafeInteger(value)) throw new ProofError('a number in a cell is beyond 2^53-1');
  return value;
}
