import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  type KeySpec,
  KMSClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { awsKmsSigner } from '@holdfast/signer-aws-kms';
import { type ChildServer, freePort, KEY_SERVERS, startServer } from '../../tuf/test/child-server.ts';
import { accepted, judgedRoot } from '../../tuf/test/judged-root.ts';

const port = await freePort();
const clientAt = (at: number): KMSClient =>
  new KMSClient({
    endpoint: `http://127.0.0.1:${at}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
const client = clientAt(port);
const data = Buffer.from('data');
let emulator: ChildServer;

async function makeKey(spec: KeySpec): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
  return KeyMetadata?.KeyId ?? assert.fail();
}

before(async () => {
  emulator = await startServer(
    join(KEY_SERVERS, 'python'),
    [join(import.meta.dirname, 'kms_server.py'), '-H', '127.0.0.1', '-p', String(port)],
    /Running on/,
  );
});
after(() => emulator.stop());

describe("AWS KMS, as moto's server plays it", () => {
  it('signs metadata with every kind of key that this package and python-tuf accept', async () => {
    const signers = await Promise.all([
      awsKmsSigner({ client, keyId: await makeKey('ECC_NIST_P256') }),
      awsKmsSigner({ client, keyId: await makeKey('ECC_NIST_P384') }),
      awsKmsSigner({ client, keyId: await makeKey('RSA_2048') }),
      awsKmsSigner({ client, keyId: await makeKey('RSA_3072'), scheme: 'rsassa-pss-sha384' }),
      awsKmsSigner({ client, keyId: await makeKey('RSA_4096'), scheme: 'rsassa-pss-sha512' }),
    ]);
    assert.deepEqual(
      signers.map(({ key }) => key.scheme),
      ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsassa-pss-sha256', 'rsassa-pss-sha384', 'rsassa-pss-sha512'],
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('signs content of any size, since it is sent a digest', async () => {
    const signer = await awsKmsSigner({ client, keyId: await makeKey('ECC_NIST_P256') });
    await signer.sign(new Uint8Array(5_000_000));
  });

  it('keeps signing with the key that an alias stood for', async () => {
    const [first, second] = [await makeKey('ECC_NIST_P256'), await makeKey('ECC_NIST_P256')];
    await client.send(new CreateAliasCommand({ AliasName: 'alias/tuf', TargetKeyId: first }));
    const signer = await awsKmsSigner({ client, keyId: 'alias/tuf' });
    await client.send(new UpdateAliasCommand({ AliasName: 'alias/tuf', TargetKeyId: second }));
    await signer.sign(data);
    assert.notEqual((await awsKmsSigner({ client, keyId: 'alias/tuf' })).key.keyid, signer.key.keyid);
  });

  it('does not have a key, has it disabled, or has one that no scheme fits', async () => {
    await assert.rejects(awsKmsSigner({ client, keyId: 'absent' }), {
      code: 'SIGNER',
      problem: 'no-such-key',
      message: /AWS KMS \(key absent\) does not have the key/,
    });
    const keyId = await makeKey('RSA_2048');
    const signer = await awsKmsSigner({ client, keyId });
    await client.send(new DisableKeyCommand({ KeyId: keyId }));
    await assert.rejects(signer.sign(data), { code: 'SIGNER', problem: 'refused', message: /disabled/ });
    await assert.rejects(awsKmsSigner({ client, keyId: await makeKey('ECC_SECG_P256K1') }), { code: 'KEY' });
    await assert.rejects(awsKmsSigner({ client, keyId, scheme: 'rsa-pkcs1v15-sha256' }), { problem: 'unsupported' });
  });

  it('with an answer that was changed is caught before the signature is returned', async () => {
    const tampered = clientAt(port);
    tampered.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        const signature: unknown = Reflect.get(answer.output, 'Signature');
        if (signature instanceof Uint8Array) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
        return answer;
      },
      { step: 'initialize' },
    );
    for (const spec of ['ECC_NIST_P256', 'RSA_2048'] as const) {
      const signer = await awsKmsSigner({ client: tampered, keyId: await makeKey(spec) });
      await assert.rejects(signer.sign(data), { code: 'SIGNER', problem: 'invalid-signature' });
    }
  });

  it('that does not run, fails or is silent is unreachable, or late', async () => {
    await assert.rejects(awsKmsSigner({ client: clientAt(await freePort()), keyId: 'k' }), {
      problem: 'unreachable',
      message: /ECONNREFUSED/,
    });
    let status = 503;
    const server = createServer((_, response) => {
      response.writeHead(status).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    try {
      const broken = clientAt(address.port);
      await assert.rejects(awsKmsSigner({ client: broken, keyId: 'k' }), { problem: 'unreachable' });
      status = 200;
      await assert.rejects(awsKmsSigner({ client: broken, keyId: 'k' }), { code: 'KEY' });
      server.removeAllListeners('request');
      await assert.rejects(awsKmsSigner({ client: broken, keyId: 'k', timeoutMs: 200 }), {
        problem: 'timeout',
        message: /within 200 ms/,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
