import assert from 'node:assert/strict';
import { ecdsaRawSignature } from '../../../src/crypto/ecdsa-der.ts';
import { encodeSignature, slowSignature } from '../reference/der.ts';
import type { FuzzTarget } from '../target.ts';

const order = (1n << 256n) - 1n;
const signature = (r: bigint, s: bigint): Uint8Array => Buffer.from(`00${encodeSignature(r, s)}`, 'hex');

/** An ECDSA signature in DER is read exactly when writing it again gives the same bytes; the first byte chooses the curve. */
export const der: FuzzTarget = {
  seeds: [
    signature(order, order),
    signature(order >> 1n, order >> 2n),
    signature(1n, 0n),
    signature(0x80n, 0x7fn),
    signature(0xff00n, 0x1n << 255n),
    Buffer.from(`01${encodeSignature((1n << 384n) - 1n, 1n << 300n)}`, 'hex'),
    // A zero in front too many, a negative number, a length in two bytes.
    Buffer.from('0030080202000102020001', 'hex'),
    Buffer.from('003006020180020101', 'hex'),
    Buffer.from('0030810602010102 0101'.replace(' ', ''), 'hex'),
  ],
  dictionary: [
    '\u0000',
    '\u0002',
    '\u0001',
    '0',
    '\u007f',
    '\u0000\u0000',
    '\u0002\u0000',
    '\u0002\u0001\u0000',
    'a'.repeat(32),
  ],
  maxLength: 160,
  stepLimit: () => 500,
  run(input) {
    const size = (input[0] ?? 0) % 2 === 0 ? 32 : 48;
    const bytes = input.subarray(1);
    const raw = ecdsaRawSignature(bytes, size);
    // Beyond 127 bytes a length takes two bytes, which no signature on these curves needs.
    const expected = bytes.length > 129 ? undefined : slowSignature(Buffer.from(bytes).toString('hex'), size);
    assert.equal(raw === undefined ? undefined : Buffer.from(raw).toString('hex'), expected);
    return raw === undefined ? 'refused' : 'accepted';
  },
};
