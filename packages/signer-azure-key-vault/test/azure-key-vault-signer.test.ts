import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { azureKeyVaultSigner } from '@holdfast/signer-azure-key-vault';
import { accepted, judgedRoot } from '../../tuf/test/judged-root.ts';
import { startKeyVaultService } from './key-vault-service.ts';

const service = await startKeyVaultService();
const { client } = service;
after(() => service.stop());
const data = Buffer.from('data');

service.makeKey('p256', 'P-256');
service.makeKey('p384', 'P-384 in an HSM');
service.makeKey('rsa2048', 'RSA-2048');
service.makeKey('rsa3072', 'RSA-3072 in an HSM');
service.makeKey('rsa4096', 'RSA-4096');

describe("Azure's library for Key Vault, over HTTP with a service made for the test", () => {
  it('signs metadata with every kind of key that this package and python-tuf accept', async () => {
    const signers = await Promise.all([
      azureKeyVaultSigner({ client, key: 'p256' }),
      azureKeyVaultSigner({ client, key: 'p384' }),
      azureKeyVaultSigner({ client, key: 'rsa2048' }),
      azureKeyVaultSigner({ client, key: 'rsa3072', scheme: 'rsassa-pss-sha384' }),
      azureKeyVaultSigner({ client, key: 'rsa4096', scheme: 'rsassa-pss-sha512' }),
    ]);
    assert.deepEqual(
      signers.map(({ key }) => key.scheme),
      ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsassa-pss-sha256', 'rsassa-pss-sha384', 'rsassa-pss-sha512'],
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('is sent a digest, whatever the size of the content', async () => {
    const signer = await azureKeyVaultSigner({ client, key: 'p384' });
    await signer.sign(new Uint8Array(1_000_000));
    const { alg, value = '' } = service.signed.at(-1) ?? {};
    assert.deepEqual([alg, Buffer.from(value, 'base64url').length], ['ES384', 48]);
  });

  it('keeps signing with the version that it was made with, or is told', async () => {
    const version = service.makeKey('rotated', 'P-256');
    const first = await azureKeyVaultSigner({ client, key: 'rotated' });
    service.makeKey('rotated', 'P-256');
    const second = await azureKeyVaultSigner({ client, key: 'rotated' });
    assert.notEqual(first.key.keyid, second.key.keyid);
    assert.equal((await azureKeyVaultSigner({ client, key: 'rotated', version })).key.keyid, first.key.keyid);
    assert.deepEqual(await judgedRoot([first, second]), accepted([first, second]));
  });

  it('does not have a key, may not use it, or has one that no scheme fits', async () => {
    await assert.rejects(azureKeyVaultSigner({ client, key: 'absent' }), {
      code: 'SIGNER',
      problem: 'no-such-key',
      message: /Azure Key Vault \(key absent\) does not have the key: .*absent was not found/,
    });
    service.makeKey('k1', 'secp256k1');
    await assert.rejects(azureKeyVaultSigner({ client, key: 'k1' }), { code: 'KEY' });
    await assert.rejects(azureKeyVaultSigner({ client, key: 'p256', scheme: 'ed25519' }), { code: 'KEY' });
    const pkcs1 = azureKeyVaultSigner({ client, key: 'rsa2048', scheme: 'rsa-pkcs1v15-sha256' });
    await assert.rejects(pkcs1, { problem: 'unsupported' });
    service.makeKey('expired', 'P-256', { exp: 1 });
    const expired = await azureKeyVaultSigner({ client, key: 'expired' });
    await assert.rejects(expired.sign(data), { problem: 'refused', message: /expired/ });
    const signer = await azureKeyVaultSigner({ client, key: 'p256' });
    service.instead = (_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end('{"error":{"code":"Forbidden","message":"The user does not have keys sign permission"}}');
    };
    await assert.rejects(signer.sign(data), { problem: 'refused', message: /keys sign permission/ });
    service.instead = undefined;
  });

  it('with a signature that does not verify is caught before it is returned', async () => {
    for (const [key, size] of [
      ['p256', 64],
      ['rsa2048', 256],
    ] as const) {
      const signer = await azureKeyVaultSigner({ client, key });
      await signer.sign(data); // the library asks for the key once more, before it signs
      service.instead = (_, response) => {
        const value = Buffer.alloc(size, 1).toString('base64url');
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ kid: '', value }));
      };
      await assert.rejects(signer.sign(data), { problem: 'invalid-signature' });
      service.instead = undefined;
    }
  });

  it('that fails, is silent or went away is unreachable, or late', async () => {
    const options = { client, key: 'p256' };
    service.instead = (_, response) => response.writeHead(503).end();
    await assert.rejects(azureKeyVaultSigner(options), { problem: 'invalid-answer' });
    service.instead = (_, response) => {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{"message":"busy"}}');
    };
    await assert.rejects(azureKeyVaultSigner(options), { problem: 'unreachable', message: /busy/ });
    service.instead = () => undefined;
    await assert.rejects(azureKeyVaultSigner({ ...options, timeoutMs: 300 }), { problem: 'timeout' });
    service.instead = undefined;
    const signer = await azureKeyVaultSigner(options);
    await service.stop();
    await assert.rejects(signer.sign(data), { problem: 'unreachable' });
  });
});
