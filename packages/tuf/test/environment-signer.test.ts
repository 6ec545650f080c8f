import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { environmentSigner, generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { accepted, judgedRoot } from './judged-root.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-environment-'));
after(() => rm(directory, { recursive: true }));

const pemOf = (key: KeyObject, passphrase?: string): string =>
  key
    .export({
      format: 'pem',
      type: 'pkcs8',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

describe('a signer from the environment', () => {
  it('takes a key file, with and without a passphrase', async () => {
    const signer = await generateKey('rsassa-pss-sha384');
    const path = join(directory, 'key');
    for (const passphrase of [undefined, 'secret']) {
      await writeKeyFile(path, signer, passphrase);
      const environment = { KEY: await readFile(path, 'utf8'), PASSPHRASE: 'secret' };
      const read = { variable: 'KEY', passphraseVariable: 'PASSPHRASE', environment };
      assert.deepEqual((await environmentSigner(read)).key, signer.key);
    }
    const encrypted = { KEY: await readFile(path, 'utf8'), WRONG: 'wrong' };
    await assert.rejects(environmentSigner({ variable: 'KEY', environment: encrypted }), {
      problem: 'passphrase-missing',
      message: /^the environment variable KEY is encrypted/,
    });
    await assert.rejects(environmentSigner({ variable: 'KEY', passphraseVariable: 'WRONG', environment: encrypted }), {
      problem: 'passphrase-wrong',
    });
  });

  it('takes private keys in PEM of every kind, with and without a passphrase, that sign what python-tuf accepts', async () => {
    const keys = [
      generateKeyPairSync('ed25519').privateKey,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
      rsa,
    ];
    const signers = [];
    for (const key of keys) {
      const environment = { PLAIN: `\n${pemOf(key)}\n`, SEALED: pemOf(key, 'secret'), PASSPHRASE: 'secret' };
      const plain = await environmentSigner({ variable: 'PLAIN', environment });
      const sealed = await environmentSigner({ variable: 'SEALED', passphraseVariable: 'PASSPHRASE', environment });
      assert.deepEqual(plain.key, sealed.key);
      signers.push(sealed);
    }
    assert.deepEqual(
      signers.map(({ key }) => key.scheme),
      ['ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsassa-pss-sha256'],
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('signs with the RSA scheme that it is told, and with none that is not for PEM keys', async () => {
    const environment = { KEY: pemOf(rsa) };
    const signer = await environmentSigner({ variable: 'KEY', scheme: 'rsassa-pss-sha512', environment });
    assert.equal(signer.key.scheme, 'rsassa-pss-sha512');
    assert.deepEqual(await judgedRoot([signer]), accepted([signer]));
    await assert.rejects(environmentSigner({ variable: 'KEY', scheme: 'ed25519', environment }), { code: 'KEY' });
    await assert.rejects(environmentSigner({ variable: 'KEY', scheme: 'rsa-pkcs1v15-sha256', environment }), {
      code: 'SIGNER',
      problem: 'unsupported',
    });
  });

  it('says which variable is missing, and that a passphrase is missing or wrong', async () => {
    const environment = { EMPTY: '', SEALED: pemOf(rsa, 'secret'), WRONG: 'wrong' };
    for (const variable of ['ABSENT', 'EMPTY'])
      await assert.rejects(environmentSigner({ variable, environment }), {
        code: 'SIGNER',
        problem: 'no-such-key',
        message: new RegExp(`the variable ${variable} is not set`),
      });
    await assert.rejects(environmentSigner({ variable: 'SEALED', passphraseVariable: 'ABSENT', environment }), {
      problem: 'no-such-key',
    });
    await assert.rejects(environmentSigner({ variable: 'SEALED', environment }), { problem: 'passphrase-missing' });
    await assert.rejects(environmentSigner({ variable: 'SEALED', passphraseVariable: 'WRONG', environment }), {
      problem: 'passphrase-wrong',
    });
  });

  it('refuses what is no key, or one that no scheme fits, and repeats none of it', async () => {
    const secret = 'hunter2';
    for (const text of [secret, `{"${secret}`, `{"format":"${secret}"}`, `-----BEGIN PRIVATE KEY-----\n${secret}`])
      await assert.rejects(environmentSigner({ variable: 'KEY', environment: { KEY: text } }), (error: Error) => {
        assert.equal((error as Error & { problem?: string }).problem, 'damaged');
        for (let at: unknown = error; at instanceof Error; at = at.cause) assert.ok(!at.message.includes(secret));
        return true;
      });
    const p521 = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey);
    await assert.rejects(environmentSigner({ variable: 'KEY', environment: { KEY: p521 } }), { code: 'KEY' });
  });
});
