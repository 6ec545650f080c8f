import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { googleKmsSigner } from '@holdfast/signer-google-kms';
import { status } from '@grpc/grpc-js';
import { accepted, judgedRoot } from '../../tuf/test/judged-root.ts';
import { startKeyManagementService } from './key-management-service.ts';

process.env['METADATA_SERVER_DETECTION'] = 'none'; // this is no machine of Google's
const service = await startKeyManagementService();
const { client } = service;
after(() => service.stop());
const data = Buffer.from('data');

describe("Google's library for Cloud KMS, over gRPC with a service made for the test", () => {
  it('signs metadata with every algorithm that this package and python-tuf accept', async () => {
    const algorithms = {
      EC_SIGN_ED25519: 'ed25519',
      EC_SIGN_P256_SHA256: 'ecdsa-sha2-nistp256',
      EC_SIGN_P384_SHA384: 'ecdsa-sha2-nistp384',
      RSA_SIGN_PSS_2048_SHA256: 'rsassa-pss-sha256',
      RSA_SIGN_PSS_4096_SHA512: 'rsassa-pss-sha512',
      RSA_SIGN_PKCS1_3072_SHA256: 'rsa-pkcs1v15-sha256',
    };
    const signers = await Promise.all(
      Object.keys(algorithms).map((algorithm) => googleKmsSigner({ client, keyVersion: service.makeKey(algorithm) })),
    );
    assert.deepEqual(
      signers.map(({ key }) => key.scheme),
      Object.values(algorithms),
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('is sent a digest, and content only where the algorithm wants it', async () => {
    for (const [algorithm, bytes] of [
      ['EC_SIGN_P384_SHA384', 48],
      ['RSA_SIGN_PSS_2048_SHA256', 32],
    ] as const) {
      const signer = await googleKmsSigner({ client, keyVersion: service.makeKey(algorithm) });
      await signer.sign(new Uint8Array(1_000_000));
      const request = service.requests.at(-1);
      assert.equal(request?.data, undefined);
      assert.deepEqual(
        Object.values(request?.digest ?? {}).map(({ length }) => length),
        [bytes],
      );
    }
  });

  it('does not have a key, may not be used, or has one that no scheme fits', async () => {
    await assert.rejects(googleKmsSigner({ client, keyVersion: 'projects/p/absent' }), {
      code: 'SIGNER',
      problem: 'no-such-key',
      message: /Google Cloud KMS \(projects\/p\/absent\) does not have the key: 5 NOT_FOUND/,
    });
    for (const algorithm of ['EC_SIGN_SECP256K1_SHA256', 'RSA_SIGN_RAW_PKCS1_2048'])
      await assert.rejects(googleKmsSigner({ client, keyVersion: service.makeKey(algorithm) }), {
        problem: 'unsupported',
        message: new RegExp(algorithm),
      });
    const signer = await googleKmsSigner({ client, keyVersion: service.makeKey('EC_SIGN_P256_SHA256') });
    for (const code of [status.PERMISSION_DENIED, status.FAILED_PRECONDITION, status.UNAUTHENTICATED]) {
      service.instead = () => ({ code });
      await assert.rejects(signer.sign(data), { code: 'SIGNER', problem: 'refused' });
    }
    service.instead = undefined;
  });

  it('with a signature that does not verify is caught before it is returned', async () => {
    const signer = await googleKmsSigner({ client, keyVersion: service.makeKey('EC_SIGN_P256_SHA256') });
    const other = await signer.sign(Buffer.from('other'));
    for (const signature of [Buffer.from(other), Buffer.of()]) {
      service.instead = () => ({ signature });
      await assert.rejects(signer.sign(data), { problem: 'invalid-signature' });
    }
    service.instead = undefined;
  });

  it('that is silent is given up in time, and one that went away is unreachable', async () => {
    const keyVersion = service.makeKey('EC_SIGN_P256_SHA256');
    const hasty = await googleKmsSigner({ client, keyVersion, timeoutMs: 3000 });
    service.instead = () => 'silence';
    await assert.rejects(hasty.sign(data), { problem: 'timeout' });
    service.instead = undefined;
    await service.stop();
    await assert.rejects(hasty.sign(data), { problem: 'unreachable' });
  });
});
