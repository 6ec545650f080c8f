/**
 * SHA-256 (FIPS 180-4) for browsers, where the built-in digest is asynchronous only. It hashes what is short and public: project
 * names, and the nodes of one proof; signatures and files are checked by the platform's own cryptography.
 */

const fractionalBits = (value: number): number => Math.floor((value - Math.floor(value)) * 2 ** 32) >>> 0;

/** FIPS 180-4 §4.2.2 and §5.3.3: the fractional parts of cube and square roots of the first primes. */
const primes = ((): number[] => {
  const found: number[] = [];
  for (let n = 2; found.length < 64; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
})();
const roundConstants = Uint32Array.from(primes, (prime) => fractionalBits(Math.cbrt(prime)));
const initialState = Uint32Array.from(primes.slice(0, 8), (prime) => fractionalBits(Math.sqrt(prime)));

const rotateRight = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** SHA-256 of the UTF-8 bytes of `text`, as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return Array.from(digest(new TextEncoder().encode(text)), (word) => word.toString(16).padStart(8, '0')).join('');
}

/** SHA-256 of bytes, as 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of digest(message).entries()) view.setUint32(index * 4, word);
  return bytes;
}

/** Writes SHA-256 of bytes to `target` from `at` on. */
export function sha256Into(message: Uint8Array, target: Uint8Array, at: number): void {
  target.set(sha256(message), at);
}

function digest(message: Uint8Array): Uint32Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  const state = Uint32Array.from(initialState);
  for (let offset = 0; offset < padded.length; offset += 64) compress(state, view, offset);
  return state;
}

/** FIPS 180-4 §6.2.2. */
function compress(state: Uint32Array, block: DataView, offset: number): void {
  const schedule = new Uint32Array(64);
  const at = (index: number): number => schedule[index] ?? 0;
  for (let t = 0; t < 16; t++) schedule[t] = block.getUint32(offset + 4 * t);
  for (let t = 16; t < 64; t++) {
    const s0 = rotateRight(at(t - 15), 7) ^ rotateRight(at(t - 15), 18) ^ (at(t - 15) >>> 3);
    const s1 = rotateRight(at(t - 2), 17) ^ rotateRight(at(t - 2), 19) ^ (at(t - 2) >>> 10);
    schedule[t] = at(t - 16) + s0 + at(t - 7) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < 64; t++) {
    const sum1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
    const temp1 = h + sum1 + ((e & f) ^ (~e & g)) + (roundConstants[t] ?? 0) + at(t);
    const sum0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
    const temp2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + temp1) | 0, c, b, a, (temp1 + temp2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = (state[index] ?? 0) + word;
  });
}
