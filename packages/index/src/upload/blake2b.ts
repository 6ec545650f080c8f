/**
 * BLAKE2b with any digest length (RFC 7693). Uploaders send `blake2_256_digest`, and OpenSSL knows only the 512-bit form:
 * the shorter one is not its prefix, for the length goes into the first block. Words of 64 bits are held as two halves of
 * 32 bits, low half first, because numbers are several times faster than BigInt here.
 */
export class Blake2b {
  readonly #h = new Uint32Array(16);
  readonly #buffer = new Uint8Array(128);
  readonly #length: number;
  #filled = 0;
  #counted = 0;

  /** `length` of the digest in bytes, 1–64. */
  constructor(length: number) {
    this.#length = length;
    this.#h.set(IV);
    // Parameter block (§2.5): digest length, no key, fanout 1, depth 1.
    this.#h[0] = at(this.#h, 0) ^ 0x01010000 ^ length;
  }

  update(bytes: Uint8Array): this {
    for (let offset = 0; offset < bytes.length; ) {
      // The last block is compressed with a flag of its own, so a full buffer waits until more comes.
      if (this.#filled === 128) this.#flush(false);
      const take = Math.min(128 - this.#filled, bytes.length - offset);
      this.#buffer.set(bytes.subarray(offset, offset + take), this.#filled);
      this.#filled += take;
      offset += take;
    }
    return this;
  }

  digestHex(): string {
    this.#buffer.fill(0, this.#filled);
    this.#flush(true);
    const out = Buffer.alloc(64);
    this.#h.forEach((half, i) => out.writeUInt32LE(half, i * 4));
    return out.toString('hex', 0, this.#length);
  }

  #flush(last: boolean): void {
    this.#counted += this.#filled;
    this.#filled = 0;
    compress(this.#h, this.#buffer, this.#counted, last);
  }
}

/** Fractional parts of the square roots of the first 8 primes (§2.6, as in SHA-512), in halves. */
const IV = Uint32Array.from([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a, 0xade682d1,
  0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
]);

/** Which message words a round takes (§2.7), as indexes of low halves; rounds 10 and 11 repeat 0 and 1. */
const SIGMA = Uint8Array.from(
  '0123456789abcdefea489fd61c02b753' +
    'b8c052fdae3671947931dcbe265a40f8' +
    '905724afe1bc683d2c6a0b834d75fe19' +
    'c51fed4a0763928bdb7ec13950f4862a' +
    '6fe9b308c2d714a5a2847615fb9e3cd0',
  (word) => Number.parseInt(word, 16) * 2,
);

const v = new Uint32Array(32);
const m = new Uint32Array(32);

/** The compression function F (§3.2). `counted` is the number of bytes up to and with this block, below 2^53. */
function compress(h: Uint32Array, block: Uint8Array, counted: number, last: boolean): void {
  const words = new DataView(block.buffer, block.byteOffset, 128);
  for (let i = 0; i < 32; i += 1) m[i] = words.getUint32(i * 4, true);
  v.set(h, 0);
  v.set(IV, 16);
  v[24] = at(v, 24) ^ (counted >>> 0);
  v[25] = at(v, 25) ^ Math.floor(counted / 2 ** 32);
  if (last) {
    v[28] = ~at(v, 28);
    v[29] = ~at(v, 29);
  }
  for (let round = 0; round < 12; round += 1) {
    const order = (round % 10) * 16;
    // First the columns, then the diagonals.
    mix(0, 8, 16, 24, order);
    mix(2, 10, 18, 26, order + 2);
    mix(4, 12, 20, 28, order + 4);
    mix(6, 14, 22, 30, order + 6);
    mix(0, 10, 20, 30, order + 8);
    mix(2, 12, 22, 24, order + 10);
    mix(4, 14, 16, 26, order + 12);
    mix(6, 8, 18, 28, order + 14);
  }
  for (let i = 0; i < 16; i += 1) h[i] = at(h, i) ^ at(v, i) ^ at(v, i + 16);
}

/**
 * The mixing function G (§3.1) on the words whose low halves stand at a, b, c, d, with two message words from `order` on.
 * A sum of two or three halves is a number below 2^34; what is above 2^32 carries into the high half.
 */
function mix(a: number, b: number, c: number, d: number, order: number): void {
  const x = at(SIGMA, order);
  const y = at(SIGMA, order + 1);
  const bl = at(v, b);
  const bh = at(v, b + 1);
  let sum = at(v, a) + bl + at(m, x);
  const al = sum | 0;
  const ah = (at(v, a + 1) + bh + at(m, x + 1) + carry(sum)) | 0;
  const dl = at(v, d + 1) ^ ah; // rotated by 32: the halves change places
  const dh = at(v, d) ^ al;
  sum = at(v, c) + (dl >>> 0);
  const cl = sum | 0;
  const ch = (at(v, c + 1) + dh + carry(sum)) | 0;
  const el = bl ^ cl;
  const eh = bh ^ ch;
  const fl = (el >>> 24) | (eh << 8);
  const fh = (eh >>> 24) | (el << 8);
  sum = (al >>> 0) + (fl >>> 0) + at(m, y);
  const gl = sum | 0;
  const gh = (ah + fh + at(m, y + 1) + carry(sum)) | 0;
  const il = dl ^ gl;
  const ih = dh ^ gh;
  const jl = (il >>> 16) | (ih << 16);
  const jh = (ih >>> 16) | (il << 16);
  sum = (cl >>> 0) + (jl >>> 0);
  const kl = sum | 0;
  const kh = (ch + jh + carry(sum)) | 0;
  const ll = fl ^ kl;
  const lh = fh ^ kh;
  v[a] = gl;
  v[a + 1] = gh;
  v[b] = (ll << 1) | (lh >>> 31); // rotated by 63 to the right: by 1 to the left
  v[b + 1] = (lh << 1) | (ll >>> 31);
  v[c] = kl;
  v[c + 1] = kh;
  v[d] = jl;
  v[d + 1] = jh;
}

/** What a sum of halves carries into the high half. */
function carry(sum: number): number {
  return (sum / 2 ** 32) | 0;
}

/** An element that is there: every index is a constant or comes from a permutation of 0–15. */
function at(words: Uint32Array | Uint8Array, index: number): number {
  return words[index] as number;
}
