import assert from 'node:assert/strict';
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { checkedSigner, ecdsaDerSignature, hashOf, makePublicKey, publicKeyFromSpki } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import fc from 'fast-check';
import { ecdsaRawSignature } from '../src/crypto/ecdsa-der.ts';
import { crypto as nodeCrypto } from '../src/crypto/node.ts';
import { crypto as webCrypto } from '../src/crypto/web.ts';
import { verifyKeyOf } from '../src/keys/verify-key.ts';
import { python } from './python.ts';

const VERIFY = `
import json, sys
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, Signature
def verdict(case):
    key = Key.from_dict("id", case["key"])
    try:
        key.verify_signature(Signature("id", case["sig"]), case["data"].encode())
        return "valid"
    except UnverifiedSignatureError:
        return "invalid"
print(json.dumps([verdict(case) for case in json.load(sys.stdin)]))
`;

const spki = (key: KeyObject): Buffer => createPublicKey(key).export({ format: 'der', type: 'spki' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const data = Buffer.from('data');

describe('a public key from SubjectPublicKeyInfo', () => {
  for (const scheme of ['ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsassa-pss-sha256'] as const) {
    it(`is the key that a local ${scheme} signer has, from DER and from PEM, without naming the scheme`, async () => {
      const signer = await generateKey(scheme);
      const pem = createPublicKey(signer.privateKey).export({ format: 'pem', type: 'spki' }).toString();
      assert.deepEqual(await publicKeyFromSpki(spki(signer.privateKey)), signer.key);
      assert.deepEqual(await publicKeyFromSpki(pem), signer.key);
    });
  }

  it('takes the scheme that an RSA key is to be used with', async () => {
    const key = await publicKeyFromSpki(spki(rsa), 'rsassa-pss-sha512');
    assert.deepEqual([key.keytype, key.scheme, hashOf(key)], ['rsa', 'rsassa-pss-sha512', 'sha512']);
    assert.equal(hashOf((await generateKey('ed25519')).key), undefined);
  });

  it('is refused when its kind, its scheme, its size or its bytes are wrong', async () => {
    const make = (type: 'P-521' | 'secp256k1'): Buffer =>
      spki(generateKeyPairSync('ec', { namedCurve: type }).privateKey);
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey;
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    for (const bad of [
      make('P-521'),
      make('secp256k1'),
      spki(pss),
      spki(small),
      spki(rsa).subarray(0, 100),
      Buffer.of(),
    ])
      await assert.rejects(publicKeyFromSpki(bad), { code: 'KEY' });
    await assert.rejects(publicKeyFromSpki('-----BEGIN CERTIFICATE-----'), { code: 'KEY' });
    await assert.rejects(publicKeyFromSpki(spki(rsa), 'ed25519'), { code: 'KEY' });
    await assert.rejects(publicKeyFromSpki(spki(rsa), 'rsassa-pss-md5'), { code: 'KEY' });
  });

  it('of any bytes is a key or a KeyError, nothing else', async () => {
    const good = spki(rsa);
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Uint8Array.from(good);
      copy[at] = byte;
      return copy;
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged), async (bytes) => {
        const outcome = await publicKeyFromSpki(bytes).then(
          () => 'KEY',
          (error: { code?: string }) => error.code,
        );
        assert.equal(outcome, 'KEY');
      }),
    );
  });
});

describe('rsa-pkcs1v15, which SSH agents make', () => {
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    it(`verifies with ${hash} in Node, with WebCrypto and in securesystemslib, not over other bytes and not as pss`, async () => {
      const scheme = `rsa-pkcs1v15-${hash}`;
      const signature = sign(hash, data, rsa);
      const pss = sign(hash, data, { key: rsa, padding: constants.RSA_PKCS1_PSS_PADDING });
      for (const port of [nodeCrypto, webCrypto]) {
        const key = await port.importKey({ kind: 'rsa-pkcs1v15', hash }, spki(rsa));
        assert.equal(await key.verify(data, signature), true);
        assert.equal(await key.verify(Buffer.from('other'), signature), false);
        assert.equal(await key.verify(data, pss), false);
        assert.equal(key.material, (await port.importKey({ kind: 'rsa-pss', hash }, spki(rsa))).material);
      }
      const { public: pem } = await publicKeyFromSpki(spki(rsa), scheme);
      const key = { keytype: 'rsa', scheme, keyval: { public: pem } };
      const cases = [signature, pss].map((sig) => ({ key, sig: sig.toString('hex'), data: 'data' }));
      assert.deepEqual(python(VERIFY, cases), ['valid', 'invalid']);
    });
  }

  it('is refused below 2048 bits in both ports', async () => {
    const small = spki(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
    for (const port of [nodeCrypto, webCrypto])
      await assert.rejects(port.importKey({ kind: 'rsa-pkcs1v15', hash: 'sha256' }, small));
  });

  it('goes with keys of type rsa only', async () => {
    const { public: pem } = await publicKeyFromSpki(spki(rsa));
    await assert.rejects(verifyKeyOf(await makePublicKey('ecdsa', 'rsa-pkcs1v15-sha256', pem)), { code: 'KEY' });
  });
});

describe('a checked signer', () => {
  it("returns the holder's signature when it verifies, and refuses any other", async () => {
    const [signer, other] = await Promise.all([generateKey('ed25519'), generateKey('ed25519')]);
    const good = checkedSigner('the holder', signer.key, (bytes) => signer.sign(bytes));
    assert.deepEqual(await good.sign(data), await signer.sign(data));
    const answers = [() => other.sign(data), () => signer.sign(Buffer.from('other')), async () => new Uint8Array()];
    for (const answer of answers)
      await assert.rejects(checkedSigner('the holder', signer.key, answer).sign(data), {
        code: 'SIGNER',
        problem: 'invalid-signature',
        holder: 'the holder',
      });
  });
});

describe('an ecdsa signature of two numbers side by side', () => {
  it('becomes the DER that verifies, and the same numbers again', () => {
    for (const [namedCurve, hash, size] of [
      ['P-256', 'sha256', 32],
      ['P-384', 'sha384', 48],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      const raw = sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      assert.ok(verify(hash, data, publicKey, ecdsaDerSignature(raw)));
      assert.deepEqual(ecdsaRawSignature(ecdsaDerSignature(raw), size), new Uint8Array(raw));
    }
  });

  it('keeps any numbers, also those with zeros or a set bit in front', () => {
    const numbers = fc
      .tuple(fc.nat(32), fc.uint8Array({ minLength: 64, maxLength: 64 }))
      .map(([zeros, bytes]) => bytes.fill(0, 0, zeros));
    fc.assert(fc.property(numbers, (raw) => assert.deepEqual(ecdsaRawSignature(ecdsaDerSignature(raw), 32), raw)));
    for (const length of [0, 63, 124]) assert.throws(() => ecdsaDerSignature(new Uint8Array(length)), RangeError);
  });
});
