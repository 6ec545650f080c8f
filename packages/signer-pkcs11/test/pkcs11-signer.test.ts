import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { type Pkcs11SignerOptions, pkcs11Signer } from '@holdfast/signer-pkcs11';
import { SignerError } from '@holdfast/tuf';
import { accepted, judgedRoot } from '../../tuf/test/judged-root.ts';
import { failure } from '../src/failure.ts';
import { library, loadModule } from '../src/library.ts';
import { initToken, PIN, softHsm, TOKEN, tokenSlot } from './soft-hsm.ts';

const hsm = softHsm();
initToken('twice', PIN);
initToken('twice', PIN);
after(() => hsm.remove());

const data = Buffer.from('data');
const options = (label: string, more: Partial<Pkcs11SignerOptions> = {}): Pkcs11SignerOptions => ({
  module: hsm.module,
  token: TOKEN,
  key: { label },
  pin: () => PIN,
  ...more,
});

hsm.makeKey('ed25519', 'ed25519');
hsm.makeKey('P-256', 'P-256');
hsm.makeKey('P-384', 'P-384');
hsm.makeKey('RSA-2048', 'RSA-2048', { id: 7 });
hsm.makeKey('RSA-4096', 'RSA-4096', { id: 8 });

describe('a PKCS #11 token (SoftHSM)', () => {
  it('signs metadata with every kind of key that this package and python-tuf accept', async () => {
    const signers = await Promise.all([
      pkcs11Signer(options('ed25519')),
      pkcs11Signer(options('P-256')),
      pkcs11Signer(options('P-384')),
      pkcs11Signer(options('RSA-2048')),
      pkcs11Signer(options('RSA-4096', { scheme: 'rsassa-pss-sha512' })),
    ]);
    assert.deepEqual(
      signers.map(({ key }) => key.scheme),
      ['ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'rsassa-pss-sha256', 'rsassa-pss-sha512'],
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('signs for several at the same time, and much', async () => {
    const signers = await Promise.all(['ed25519', 'P-256', 'RSA-2048'].map((label) => pkcs11Signer(options(label))));
    const large = new Uint8Array(5_000_000);
    const made = await Promise.all(signers.flatMap((signer) => Array.from({ length: 8 }, () => signer.sign(large))));
    assert.equal(made.length, 24); // each was verified before it came back
  });

  it('shows its public key without a PIN, and is asked for one once for each signature', async () => {
    let asked = 0;
    const pin = async () => {
      asked++;
      return PIN;
    };
    const signer = await pkcs11Signer(options('ed25519', { pin }));
    assert.equal(asked, 0);
    await signer.sign(data);
    await signer.sign(data);
    assert.equal(asked, 2);
  });

  it('signs with keys that want the PIN again for every signature, such as those of PIV cards', async () => {
    hsm.makeKey('P-256', 'always', { alwaysAuthenticate: true });
    const signer = await pkcs11Signer(options('always'));
    await signer.sign(data);
    await signer.sign(data);
  });

  it('refuses a wrong PIN, once, and takes the right one afterwards', async () => {
    let asked = 0;
    let pin = 'wrong PIN';
    const signer = await pkcs11Signer(options('ed25519', { pin: () => (asked++, pin) }));
    await assert.rejects(signer.sign(data), {
      code: 'SIGNER',
      problem: 'pin-wrong',
      message: `the token "${TOKEN}" (${hsm.module}) says that the PIN is wrong: CKR_PIN_INCORRECT`,
    });
    assert.equal(asked, 1);
    pin = PIN;
    await signer.sign(data);
  });

  it('passes on what the person who was asked for the PIN did', async () => {
    const signer = await pkcs11Signer(options('ed25519', { pin: () => Promise.reject(new Error('cancelled')) }));
    await assert.rejects(signer.sign(data), /^Error: cancelled$/);
  });

  it('finds keys by id, and says which key it does not have or has twice', async () => {
    const byId = await pkcs11Signer(options('', { key: { id: '07' } }));
    assert.equal(byId.key.keyid, (await pkcs11Signer(options('RSA-2048'))).key.keyid);
    await byId.sign(data);
    await assert.rejects(pkcs11Signer(options('absent')), {
      problem: 'no-such-key',
      message: /does not have the key: no public key "absent"/,
    });
    await assert.rejects(pkcs11Signer(options('RSA-2048', { key: { label: 'RSA-2048', id: '09' } })), {
      message: /no public key "RSA-2048" id 09/,
    });
    for (let copies = 0; copies < 2; copies++) hsm.makeKey('P-256', 'same');
    await assert.rejects(pkcs11Signer(options('same')), { message: /more than one public key "same"/ });
  });

  it('says that only the public half is there', async () => {
    hsm.makeKey('P-256', 'half', { publicOnly: true });
    const signer = await pkcs11Signer(options('half'));
    await assert.rejects(signer.sign(data), { problem: 'no-such-key', message: /no private key "half"/ });
  });

  it('has keys that no scheme fits, or not the one asked for', async () => {
    hsm.makeKey('P-521', 'P-521');
    hsm.makeKey('RSA-1024', 'RSA-1024');
    await assert.rejects(pkcs11Signer(options('P-521')), { code: 'KEY' });
    await assert.rejects(pkcs11Signer(options('RSA-1024')), { code: 'KEY', message: /1024 bits/ });
    await assert.rejects(pkcs11Signer(options('P-256', { scheme: 'ed25519' })), { code: 'KEY' });
    const pkcs1 = await pkcs11Signer(options('RSA-2048', { scheme: 'rsa-pkcs1v15-sha256' }));
    await assert.rejects(pkcs1.sign(data), { problem: 'unsupported' });
  });

  it('whose private key is another one than the public key says is caught before the signature is returned', async () => {
    hsm.makeKey('ed25519', 'mixed', { publicOnly: true });
    const mixed = await pkcs11Signer(options('mixed'));
    const { CKA_CLASS, CKA_LABEL, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKO_PRIVATE_KEY, CKU_USER } = library('the test');
    hsm.makeKey('ed25519', 'other');
    const module = loadModule(hsm.module);
    const session = module.C_OpenSession(tokenSlot(module), CKF_SERIAL_SESSION | CKF_RW_SESSION);
    module.C_Login(session, CKU_USER, PIN);
    module.C_FindObjectsInit(session, [
      { type: CKA_CLASS, value: CKO_PRIVATE_KEY },
      { type: CKA_LABEL, value: 'other' },
    ]);
    const [privateKey = assert.fail()] = module.C_FindObjects(session, 2);
    module.C_FindObjectsFinal(session);
    module.C_SetAttributeValue(session, privateKey, [{ type: CKA_LABEL, value: 'mixed' }]);
    module.C_CloseSession(session);
    await assert.rejects(mixed.sign(data), { code: 'SIGNER', problem: 'invalid-signature' });
  });

  it('that locked its PIN says so', () => {
    // SoftHSM never locks one: only the translation of the code can be shown here.
    const p = library('the test');
    const locked = failure('the token', p, new p.Pkcs11Error('CKR_PIN_LOCKED:164'));
    assert.ok(locked instanceof SignerError);
    assert.equal(locked.problem, 'pin-locked');
    assert.equal(locked.message, 'the token locked the PIN after too many wrong ones: CKR_PIN_LOCKED');
  });

  it('that is not there, or there twice, is named, with those that are', async () => {
    await assert.rejects(pkcs11Signer(options('ed25519', { token: 'absent' })), {
      problem: 'unreachable',
      message: /the token "absent" .* cannot be reached: there are .*Holdfast test/,
    });
    await assert.rejects(pkcs11Signer(options('ed25519', { token: 'twice' })), { message: /several tokens/ });
  });

  it('whose module is missing, or none, is unreachable', async () => {
    for (const module of ['/nonexistent/module.so', import.meta.filename])
      await assert.rejects(pkcs11Signer(options('ed25519', { module })), {
        code: 'SIGNER',
        problem: 'unreachable',
        message: new RegExp(`the PKCS #11 module ${module} cannot be reached`),
      });
  });

  it('that is taken away meanwhile is noticed, and does not take the process with it', async () => {
    const signer = await pkcs11Signer(options('ed25519'));
    await signer.sign(data);
    rmSync(hsm.tokens, { recursive: true });
    await assert.rejects(signer.sign(data), { code: 'SIGNER', problem: 'unreachable' });
  });
});
