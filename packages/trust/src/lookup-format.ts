import { ProofError } from './errors.ts';
import { toHex } from './hex.ts';
import { packHex, unpackHex } from './hex-packing.ts';
import { packZeros, unpackZeros } from './lookup-zeros.ts';
import { MAX_PROOF_BYTES } from './snapshot-tree/proof.ts';

/** A role's file as an answer carries it. */
export interface SentFile {
  /** The whole file, or the coded one. */
  readonly bytes: Uint8Array;
  readonly coded?: Coded;
}

/** How a file is coded: docs/formats/lookup.md, "Coded files". */
export interface Coded {
  /** The first 8 hex digits of the SHA-256 of another file: one that the asker holds, or that stands before this one. */
  readonly base?: string;
}

/** What a server answers for one project under one root hash: docs/formats/lookup.md. */
export interface Lookup {
  /** Of the project's bin. */
  readonly proof: Uint8Array;
  /** The different files of roles that the proof lists for the project, except for those that the asker has. */
  readonly files: readonly SentFile[];
}

const FORMAT = 3;
const WHOLE = 0;
const PACKED = 1;
const CODED = 2;
const CODED_WITH_BASE = 3;
/** Tops and bins of four trees at seven depths, and more roles of one project than anyone has. */
const MAX_FILES = 256;
/** Bytes from which on a piece of an answer is not copied. */
const LONG = 8 << 10;
/** The most bytes that an answer can have. */
export const MAX_LOOKUP_BYTES = 64 << 20;

interface Part {
  readonly kind: typeof WHOLE | typeof PACKED | typeof CODED | typeof CODED_WITH_BASE;
  readonly base?: string;
  readonly bytes: Uint8Array;
}

export function encodeLookup(lookup: Lookup): Uint8Array {
  return joined(lookupChunks(lookup));
}

/** The same in pieces. Coded files that are long are pieces of their own and are not copied: a server sends them to many. */
export function lookupChunks({ proof: whole, files }: Lookup): readonly Uint8Array[] {
  const proof = packZeros(whole);
  const head = new Uint8Array(7);
  const view = new DataView(head.buffer);
  head[0] = FORMAT;
  view.setUint16(1, files.length);
  view.setUint32(3, proof.length);
  const chunks: Uint8Array[] = [];
  let short = [head, proof];
  for (const part of files.map(partOf)) {
    short.push(partHead(part));
    if (part.bytes.length < LONG) short.push(part.bytes);
    else {
      chunks.push(joined(short), part.bytes);
      short = [];
    }
  }
  return short.length === 0 ? chunks : [...chunks, joined(short)];
}

function partHead({ kind, base, bytes }: Part): Uint8Array {
  const head = new Uint8Array(base === undefined ? 5 : 9);
  const view = new DataView(head.buffer);
  head[0] = kind;
  if (base !== undefined) view.setUint32(1, Number.parseInt(base, 16));
  view.setUint32(head.length - 4, bytes.length);
  return head;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function partOf({ coded, bytes }: SentFile): Part {
  if (coded?.base !== undefined) return { kind: CODED_WITH_BASE, base: coded.base, bytes };
  if (coded) return { kind: CODED, bytes };
  const packed = packHex(bytes);
  return packed ? { kind: PACKED, bytes: packed } : { kind: WHOLE, bytes };
}

/**
 * Reads an answer. The address to ask is {@link lookupPath}'s; what is read goes to {@link verifyLookup}, which alone makes it worth
 * anything.
 * @throws ProofError for what is no answer; what it says is not verified yet
 */
export function decodeLookup(bytes: Uint8Array): Lookup {
  if (bytes.length > MAX_LOOKUP_BYTES) throw new ProofError('the answer is too long');
  const input = new Input(bytes);
  if (input.number(1) !== FORMAT) throw new ProofError('the answer is in an unknown format');
  const count = input.number(2);
  if (count > MAX_FILES) throw new ProofError('the answer holds too many roles');
  const proof = unpackZeros(input.bytes(input.number(4)), MAX_PROOF_BYTES);
  const files = Array.from({ length: count }, () => readFile(input));
  input.end();
  return { proof, files };
}

function readFile(input: Input): SentFile {
  const kind = input.number(1);
  if (kind > CODED_WITH_BASE) throw new ProofError('a role of the answer is of an unknown kind');
  const base = kind === CODED_WITH_BASE ? { base: toHex(input.bytes(4)) } : {};
  const bytes = input.bytes(input.number(4));
  if (kind >= CODED) return { bytes, coded: base };
  return { bytes: kind === PACKED ? unpackHex(bytes) : bytes };
}

class Input {
  readonly #view: DataView;
  #at = 0;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  number(width: 1 | 2 | 4): number {
    const at = this.#skip(width);
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#skip(length), length);
  }

  end(): void {
    if (this.#at !== this.#view.byteLength) throw new ProofError('something follows the answer');
  }

  #skip(length: number): number {
    const at = this.#at;
    if (length > this.#view.byteLength - at) throw new ProofError('the answer ends too early');
    this.#at += length;
    return at;
  }
}
