import assert from 'node:assert/strict';
import { constants, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { SignerProblem } from '@holdfast/tuf';
import { generateKey, vaultSigner } from '@holdfast/tuf/node';
import { type ChildServer, freePort, KEY_SERVERS, startServer } from './child-server.ts';
import { accepted, judgedRoot } from './judged-root.ts';

const home = await mkdtemp(join(tmpdir(), 'holdfast-vault-'));
const address = `http://127.0.0.1:${await freePort()}`;
const data = Buffer.from('data');
const token = () => 'root';
let server: ChildServer;

async function api(path: string, body: object, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(`${address}/v1/${path}`, {
    method: 'POST',
    headers: { 'x-vault-token': 'root', ...headers },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
}

before(async () => {
  const args = ['server', '-dev', '-dev-no-store-token', '-dev-root-token-id=root'];
  server = await startServer(
    join(KEY_SERVERS, 'bao'),
    [...args, `-dev-listen-address=${address.slice('http://'.length)}`],
    /Root Token: root/,
    { HOME: home },
  );
  await api('sys/mounts/transit', { type: 'transit' });
  for (const type of [
    'ed25519',
    'ecdsa-p256',
    'ecdsa-p384',
    'rsa-2048',
    'rsa-3072',
    'rsa-4096',
    'aes256-gcm96',
    'ecdsa-p521',
  ])
    await api(`transit/keys/${type}`, { type });
  await api('transit/keys/pkcs1v15', { type: 'rsa-2048' });
});

after(async () => {
  await server.stop();
  await rm(home, { recursive: true });
});

describe('a real OpenBao (transit engine)', () => {
  it('signs metadata with every kind of key that this package and python-tuf accept', async () => {
    const signers = await Promise.all([
      vaultSigner({ address, token, key: 'ed25519' }),
      vaultSigner({ address, token, key: 'ecdsa-p256' }),
      vaultSigner({ address, token, key: 'ecdsa-p384' }),
      vaultSigner({ address, token, key: 'rsa-2048' }),
      vaultSigner({ address, token, key: 'rsa-3072', scheme: 'rsassa-pss-sha384' }),
      vaultSigner({ address, token, key: 'rsa-4096', scheme: 'rsassa-pss-sha512' }),
      vaultSigner({ address, token, key: 'pkcs1v15', scheme: 'rsa-pkcs1v15-sha256' }),
    ]);
    assert.deepEqual(
      signers.map(({ key }) => key.scheme),
      [
        'ed25519',
        'ecdsa-sha2-nistp256',
        'ecdsa-sha2-nistp384',
        'rsassa-pss-sha256',
        'rsassa-pss-sha384',
        'rsassa-pss-sha512',
        'rsa-pkcs1v15-sha256',
      ],
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('signs rsassa-pss with a salt as long as the hash, which every client reads', async () => {
    const signer = await vaultSigner({ address, token, key: 'rsa-3072', scheme: 'rsassa-pss-sha384' });
    const pss = { key: signer.key.public, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
    assert.ok(verify('sha384', data, pss, await signer.sign(data)));
  });

  it('keeps signing with the version that it was made with, or is told, whatever is rotated', async () => {
    await api('transit/keys/rotated', { type: 'ed25519' });
    const first = await vaultSigner({ address, token, key: 'rotated' });
    await api('transit/keys/rotated/rotate', {});
    const second = await vaultSigner({ address, token, key: 'rotated' });
    const named = await vaultSigner({ address, token, key: 'rotated', version: 1 });
    assert.notEqual(first.key.keyid, second.key.keyid);
    assert.equal(named.key.keyid, first.key.keyid);
    const signers = [first, second];
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
    await assert.rejects(vaultSigner({ address, token, key: 'rotated', version: 3 }), {
      problem: 'no-such-key',
      message: /it has no version 3/,
    });
    await api('transit/keys/rotated/config', { min_encryption_version: 2 });
    await assert.rejects(first.sign(data), {
      code: 'SIGNER',
      problem: 'refused',
      message: /minimum encryption key version/,
    });
    await second.sign(data);
  });

  it('has namespaces and other mounts, with slashes and spaces in them', async () => {
    await api('sys/namespaces/team', {});
    const inTeam = { 'x-vault-namespace': 'team' };
    await api('sys/mounts/our/own%20keys', { type: 'transit' }, inTeam);
    await api('transit/keys/outside', { type: 'ed25519' });
    await api('our/own%20keys/keys/inside', { type: 'ed25519' }, inTeam);
    const signer = await vaultSigner({ address, token, key: 'inside', mount: 'our/own keys', namespace: 'team' });
    assert.deepEqual(await judgedRoot([signer]), accepted([signer]));
    await assert.rejects(vaultSigner({ address, token, key: 'outside', mount: 'our/own keys', namespace: 'team' }), {
      problem: 'no-such-key',
    });
    await assert.rejects(vaultSigner({ address, token, key: '../keys/ed25519' }), { problem: /no-such-key|refused/ });
  });

  it('signs 10 MB with ed25519, and any size with keys that sign a digest', async () => {
    const large = new Uint8Array(10_000_000).fill(65);
    for (const key of ['ed25519', 'ecdsa-p256'])
      assert.ok((await (await vaultSigner({ address, token, key })).sign(large)).length > 60);
    const tooLarge = (await vaultSigner({ address, token, key: 'ed25519' })).sign(new Uint8Array(26_000_000));
    await assert.rejects(tooLarge, { code: 'SIGNER', problem: 'unsupported' });
  });

  it('asks for the token each time, and says what a wrong one, or one that may only read, may not do', async () => {
    await assert.rejects(vaultSigner({ address, token: () => 'wrong', key: 'ed25519' }), {
      problem: 'refused',
      message: /HTTP 403.*permission denied/,
    });
    const policy = 'path "transit/keys/ed25519" { capabilities = ["read"] }';
    await api('sys/policies/acl/reader', { policy });
    const made = await api('auth/token/create', { policies: ['reader'] });
    const reader = /"client_token":"([^"]+)"/.exec(JSON.stringify(made))?.[1] ?? assert.fail();
    let current = reader;
    const signer = await vaultSigner({ address, token: async () => current, key: 'ed25519' });
    await assert.rejects(signer.sign(data), { problem: 'refused', message: /HTTP 403/ });
    current = 'root';
    assert.equal((await signer.sign(data)).length, 64);
  });

  it('has keys that cannot sign, or that no scheme fits', async () => {
    await assert.rejects(vaultSigner({ address, token, key: 'absent' }), {
      problem: 'no-such-key',
      message: /Vault \(key absent\) does not have the key/,
    });
    await assert.rejects(vaultSigner({ address, token, key: 'aes256-gcm96' }), {
      problem: 'unsupported',
      message: /a key of type "aes256-gcm96"/,
    });
    await assert.rejects(vaultSigner({ address, token, key: 'ecdsa-p521' }), { code: 'KEY' });
    await assert.rejects(vaultSigner({ address, token, key: 'ed25519', scheme: 'rsassa-pss-sha256' }), { code: 'KEY' });
  });

  it('that does not run is unreachable, and one that is sealed says so', async () => {
    const port = await freePort();
    await assert.rejects(vaultSigner({ address: `http://localhost:${port}`, token, key: 'a' }), {
      problem: 'unreachable',
      message: new RegExp(`http://localhost:${port}`),
    });
    await api('sys/seal', {});
    await assert.rejects(vaultSigner({ address, token, key: 'ed25519' }), {
      problem: 'unreachable',
      message: /HTTP 503 .*sealed/,
    });
  });
});

/** A server that is not Vault, or not an honest one. */
async function withServer(listener: RequestListener, use: (address: string) => Promise<void>): Promise<void> {
  const liar = createServer(listener).listen(0, '127.0.0.1');
  await once(liar, 'listening');
  const at = liar.address();
  assert.ok(typeof at === 'object' && at !== null);
  try {
    await use(`http://127.0.0.1:${at.port}`);
  } finally {
    liar.closeAllConnections();
    liar.close();
  }
}

describe('a Vault that lies', () => {
  async function refused(
    listener: RequestListener,
    problem: SignerProblem,
    message = /Vault/,
    timeoutMs = 30_000,
  ): Promise<void> {
    await withServer(listener, (liar) =>
      assert.rejects(vaultSigner({ address: liar, token, key: 'k', timeoutMs }), { code: 'SIGNER', problem, message }),
    );
  }

  it('with a signature that does not verify, or by another version, is caught before it is returned', async () => {
    const [signer, other] = await Promise.all([generateKey('ed25519'), generateKey('ed25519')]);
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const keys = { 1: { public_key: Buffer.from(signer.key.public, 'hex').toString('base64') } };
    const signatures = {
      [`vault:v1:${base64(await other.sign(data))}`]: 'invalid-signature',
      [`vault:v1:${base64(await signer.sign(Buffer.from('other')))}`]: 'invalid-signature',
      [`vault:v2:${base64(await signer.sign(data))}`]: 'invalid-answer',
      [base64(await signer.sign(data))]: 'invalid-answer',
    };
    for (const [signature, problem] of Object.entries(signatures))
      await withServer(
        (request, response) => {
          const isSign = request.url?.includes('/sign/') === true;
          response.end(JSON.stringify({ data: isSign ? { signature } : { latest_version: 1, keys } }));
        },
        async (liar) => {
          const made = await vaultSigner({ address: liar, token, key: 'k' });
          await assert.rejects(made.sign(data), { code: 'SIGNER', problem });
        },
      );
  });

  it('with an endless answer is cut off', async () => {
    const stopped = Promise.withResolvers<void>();
    const endless: RequestListener = (_, response) => {
      const pour = (): void => {
        while (response.writable && response.write(Buffer.alloc(65_536, 32)));
      };
      response.on('drain', pour).on('close', stopped.resolve);
      pour();
    };
    await withServer(endless, async (liar) => {
      await assert.rejects(vaultSigner({ address: liar, token, key: 'k' }), { problem: 'invalid-answer' });
      await stopped.promise; // the connection is given up while the server still pours
    });
  });

  it('that is silent, or drips, is given up in time', async () => {
    await refused(() => undefined, 'timeout', /within 300 ms/, 300);
    const drip: RequestListener = (_, response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    };
    await refused(drip, 'timeout', /within 300 ms/, 300);
  });

  it('that is no Vault, breaks off, redirects or is sealed gets a plain message', async () => {
    await refused((_, response) => response.end('<html>'), 'invalid-answer', /no JSON/);
    await refused((_, response) => response.end('{}'), 'invalid-answer', /no latest_version/);
    await refused((_, response) => response.end('{"data":{"latest_version":1}}'), 'no-such-key');
    await refused((request) => request.socket.destroy(), 'unreachable');
    await refused((_, response) => response.writeHead(307, { location: address }).end(), 'invalid-answer', /HTTP 307/);
    const sealed: RequestListener = (_, response) =>
      response.writeHead(503).end('{"errors":["Vault is sealed\\u001b"]}');
    await refused(sealed, 'unreachable', /HTTP 503 Vault is sealed$/);
  });
});

describe('an address for Vault', () => {
  it('is https, or this machine, and nothing else', async () => {
    for (const bad of [
      'http://vault.example',
      'ftp://127.0.0.1',
      'https://user:secret@vault.example',
      'http://127.0.0.1.example',
    ])
      await assert.rejects(vaultSigner({ address: bad, token, key: 'k' }), (error: Error) => {
        assert.ok(error instanceof RangeError);
        assert.ok(!error.message.includes('secret'));
        return true;
      });
  });

  it('is asked for with the path that a proxy gives it, never with a token that is not one line', async () => {
    const paths: (string | undefined)[] = [];
    await withServer(
      (request, response) => {
        paths.push(request.url);
        response.end('{}');
      },
      async (liar) => {
        await assert.rejects(vaultSigner({ address: `${liar}/vault/`, token, key: 'a/b' }));
        const twoLines = vaultSigner({ address: liar, token: () => 'hunter2\nx', key: 'k' });
        await assert.rejects(twoLines, (error: Error) => !inspect(error).includes('hunter2'));
      },
    );
    assert.deepEqual(paths, ['/vault/v1/transit/keys/a%2Fb']);
  });
});
