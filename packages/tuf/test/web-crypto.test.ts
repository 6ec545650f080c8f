import assert from 'node:assert/strict';
import { constants, createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { generateKey } from '@holdfast/tuf/node';
import fc from 'fast-check';
import { ecdsaRawSignature } from '../src/crypto/ecdsa-der.ts';
import { crypto as nodeCrypto } from '../src/crypto/node.ts';
import type { SchemeSuite } from '../src/crypto/port.ts';
import { crypto as webCrypto } from '../src/crypto/web.ts';

const SUITES: readonly (readonly [Parameters<typeof generateKey>[0], SchemeSuite])[] = [
  ['ed25519', { kind: 'ed25519' }],
  ['ecdsa-sha2-nistp256', { kind: 'ecdsa', curve: 'P-256', hash: 'sha256' }],
  ['ecdsa-sha2-nistp384', { kind: 'ecdsa', curve: 'P-384', hash: 'sha384' }],
  ['rsassa-pss-sha256', { kind: 'rsa-pss', hash: 'sha256' }],
  ['rsassa-pss-sha512', { kind: 'rsa-pss', hash: 'sha512' }],
];

describe('the WebCrypto port', () => {
  for (const [scheme, suite] of SUITES) {
    it(`verifies ${scheme} and names the key material as the Node port does`, async () => {
      const signer = await generateKey(scheme);
      const spki = createPublicKey(signer.privateKey).export({ format: 'der', type: 'spki' });
      const [web, node] = await Promise.all([webCrypto.importKey(suite, spki), nodeCrypto.importKey(suite, spki)]);
      assert.equal(web.material, node.material);
      const data = new TextEncoder().encode('data');
      const signature = await signer.sign(data);
      for (const port of [web, node]) {
        assert.equal(await port.verify(data, signature), true);
        assert.equal(await port.verify(new TextEncoder().encode('other'), signature), false);
        assert.equal(await port.verify(data, signature.subarray(1)), false);
      }
    });
  }

  it('verifies RSA-PSS with the longest salt too, as Go signs', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const data = Buffer.from('data');
    const signature = sign('sha256', data, {
      key: privateKey,
      padding,
      saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN,
    });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    for (const port of [webCrypto, nodeCrypto]) {
      assert.equal(
        await (await port.importKey({ kind: 'rsa-pss', hash: 'sha256' }, spki)).verify(data, signature),
        true,
      );
    }
  });

  it('refuses an RSA signature without its leading zero byte, which OpenSSL takes for the same number', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    // Signatures with PKCS #1 v1.5 depend on the data alone: one in 256 starts with a zero byte.
    for (let count = 0; ; count += 1) {
      const data = Buffer.from(`data ${count}`);
      const signature = sign('sha256', data, privateKey);
      if (signature[0] !== 0) continue;
      for (const port of [webCrypto, nodeCrypto]) {
        const key = await port.importKey({ kind: 'rsa-pkcs1v15', hash: 'sha256' }, spki);
        assert.equal(await key.verify(data, signature), true);
        assert.equal(await key.verify(data, signature.subarray(1)), false);
      }
      return;
    }
  });

  it('refuses RSA keys below 2048 and above 4096 bits', async () => {
    for (const modulusLength of [1024, 4104]) {
      const spki = generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'der', type: 'spki' });
      for (const port of [webCrypto, nodeCrypto])
        await assert.rejects(port.importKey({ kind: 'rsa-pss', hash: 'sha256' }, spki));
    }
  });

  it('hashes as the Node port does', async () => {
    const data = Buffer.from('data');
    for (const algorithm of ['sha256', 'sha384', 'sha512'] as const) {
      assert.equal(await webCrypto.digest(algorithm, data), createHash(algorithm).update(data).digest('hex'));
      assert.equal(await nodeCrypto.digest(algorithm, data), createHash(algorithm).update(data).digest('hex'));
    }
  });

  it('reads DER signatures of any bytes without an error, and only exact ones', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (der) =>
        assert.ok((ecdsaRawSignature(der, 32)?.length ?? 64) === 64),
      ),
    );
    assert.deepEqual(
      [...(ecdsaRawSignature(Uint8Array.of(0x30, 7, 2, 2, 0, 0x80, 2, 1, 5), 2) ?? [])],
      [0, 0x80, 0, 5],
    );
    for (const bad of [
      [0x30, 6, 2, 1, 5, 2, 1, 5, 0],
      [0x30, 7, 2, 2, 0, 5, 2, 1, 5],
      [0x30, 6, 2, 1, 0x85, 2, 1, 5],
    ]) {
      assert.equal(ecdsaRawSignature(Uint8Array.from(bad), 2), undefined);
    }
  });
});
