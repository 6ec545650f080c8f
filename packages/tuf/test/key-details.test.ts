import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { ecdsaDerSignature, hashOf, KeyError, type PublicKey } from '@holdfast/tuf';
import { ecdsaRawSignature } from '../src/crypto/ecdsa-der.ts';
import { keytypeOf, suiteOf } from '../src/keys/schemes.ts';
import { verifyKeyOf } from '../src/keys/verify-key.ts';
import { encodeSignature, slowSignature } from './fuzz/reference/der.ts';

const hexOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');

describe('schemes', () => {
  it('are known with the key types that securesystemslib writes, and no others', () => {
    const known = {
      ed25519: { kind: 'ed25519' },
      'ecdsa-sha2-nistp256': { kind: 'ecdsa', curve: 'P-256', hash: 'sha256' },
      'ecdsa-sha2-nistp384': { kind: 'ecdsa', curve: 'P-384', hash: 'sha384' },
      'rsassa-pss-sha256': { kind: 'rsa-pss', hash: 'sha256' },
      'rsassa-pss-sha384': { kind: 'rsa-pss', hash: 'sha384' },
      'rsassa-pss-sha512': { kind: 'rsa-pss', hash: 'sha512' },
      'rsa-pkcs1v15-sha256': { kind: 'rsa-pkcs1v15', hash: 'sha256' },
      'rsa-pkcs1v15-sha384': { kind: 'rsa-pkcs1v15', hash: 'sha384' },
      'rsa-pkcs1v15-sha512': { kind: 'rsa-pkcs1v15', hash: 'sha512' },
      'ml-dsa-44/1': { kind: 'ml-dsa-44' },
    };
    const keytypes = ['ed25519', 'ecdsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsa', 'ml-dsa', ''];
    for (const [scheme, suite] of Object.entries(known)) {
      const keytype = keytypeOf(scheme) ?? '';
      const fitting = scheme.startsWith('ecdsa')
        ? ['ecdsa', scheme]
        : [/^[a-z]+(?=sa)sa|^ed25519|^ml-dsa/.exec(scheme)?.[0]];
      assert.deepEqual(
        keytypes.filter((type) => suiteOf({ keytype: type, scheme }) !== undefined),
        scheme.startsWith('rsa') ? ['rsa'] : fitting,
      );
      assert.deepEqual(suiteOf({ keytype, scheme }), suite);
      assert.equal(hashOf({ keytype, scheme }), 'hash' in suite ? suite.hash : undefined);
    }
    assert.deepEqual(Object.keys(known).map(keytypeOf), [
      'ed25519',
      'ecdsa',
      'ecdsa',
      ...Array.from({ length: 6 }, () => 'rsa'),
      'ml-dsa',
    ]);
    for (const scheme of ['', 'ED25519', 'constructor', 'rsa']) {
      assert.equal(keytypeOf(scheme), undefined);
      assert.equal(suiteOf({ keytype: 'rsa', scheme }), undefined);
      assert.equal(hashOf({ keytype: 'rsa', scheme }), undefined);
    }
  });
});

describe('a key', () => {
  const key = (more: Partial<PublicKey>): PublicKey => ({
    keyid: 'k',
    keytype: 'ed25519',
    scheme: 'ed25519',
    public: '01'.repeat(32),
    json: new Map(),
    ...more,
  });

  it('is imported once', () => {
    const one = key({});
    assert.equal(verifyKeyOf(one), verifyKeyOf(one));
    assert.notEqual(verifyKeyOf(one), verifyKeyOf(key({})));
  });

  it('that cannot be used says why', async () => {
    const publicKey = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
      format: 'pem',
      type: 'spki',
    });
    const rsa = { keytype: 'rsa', scheme: 'rsassa-pss-sha256' };
    const cases: readonly [PublicKey, string][] = [
      [key({ scheme: 'x' }), 'key k cannot be used: the scheme x of a key of type ed25519 is not known'],
      [key({ public: '01' }), 'key k cannot be used: its public part is damaged'],
      [key({ ...rsa, public: '01' }), 'key k cannot be used: its public part is damaged'],
      [key({ ...rsa, public: String(publicKey) }), 'key k cannot be used: an RSA key of 1024 bits'],
    ];
    for (const [bad, message] of cases)
      await assert.rejects(verifyKeyOf(bad), (error) => error instanceof KeyError && error.message === message);
    await assert.rejects(
      verifyKeyOf(key({ ...rsa, public: String(publicKey) })),
      (error) => error instanceof KeyError && error.cause instanceof Error,
    );
  });
});

describe('an ECDSA signature', () => {
  const numbers = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x10000n];
  const pairs = numbers.flatMap((r) => numbers.map((s): [bigint, bigint] => [r, s]));

  it('in DER is read when it is the shortest form of two numbers that fit, and with no byte changed, cut off or added', () => {
    for (const [r, s] of pairs) {
      const whole = Buffer.from(encodeSignature(r, s), 'hex');
      for (const size of [1, 2])
        assert.equal(hexOf(ecdsaRawSignature(whole, size)), slowSignature(hexOf(whole) ?? '', size));
      const spoilt = [...whole].flatMap((_, at) =>
        [0, 1, 2, 3, 4, 0x30, 0x7f, 0x80, 0x81, 0xff].map((byte) => whole.with(at, byte)),
      );
      const cut = [...whole].map((_, at) => whole.subarray(0, at));
      const relabelled = cut.filter(({ length }) => length > 1).map((bytes) => bytes.with(1, bytes.length - 2));
      const longer = [0, 2].map((byte) => Uint8Array.of(...whole.with(1, whole.length - 1), byte));
      for (const bytes of [...spoilt, ...cut, ...relabelled, ...longer])
        assert.equal(hexOf(ecdsaRawSignature(bytes, 2)), slowSignature(hexOf(bytes) ?? '', 2), hexOf(bytes));
    }
  });

  it('in DER has no number without bytes', () => {
    for (const hex of ['300402000200', '30050200020101', '30050201010200'])
      assert.equal(ecdsaRawSignature(Buffer.from(hex, 'hex'), 2), undefined);
  });

  it('in DER may have 127 bytes, whose length still takes one, and no more', () => {
    for (const [size, isRead] of [
      [61, true],
      [62, false],
    ] as const) {
      const number = (1n << BigInt(size * 8 - 1)) - 1n;
      const hex = encodeSignature(number, number >> 8n);
      assert.equal(hex.length / 2, 5 + size * 2);
      assert.equal(
        hexOf(ecdsaRawSignature(Buffer.from(hex, 'hex'), size)),
        isRead ? slowSignature(hex, size) : undefined,
      );
    }
  });

  it('side by side becomes the DER of the same numbers', () => {
    for (const [r, s] of pairs) {
      const raw = Buffer.from([r, s].map((number) => number.toString(16).padStart(6, '0')).join(''), 'hex');
      assert.equal(hexOf(ecdsaDerSignature(raw)), encodeSignature(r, s));
    }
    // Beyond, the length would take two bytes.
    const longest = (1n << 480n) - 1n;
    assert.equal(hexOf(ecdsaDerSignature(new Uint8Array(120).fill(0xff))), encodeSignature(longest, longest));
    for (const length of [0, 1, 3, 121, 122])
      assert.throws(
        () => ecdsaDerSignature(new Uint8Array(length)),
        new RangeError(`an ecdsa signature of ${length} bytes`),
      );
  });
});
