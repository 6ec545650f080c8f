import assert from 'node:assert/strict';
import { createPublicKey, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makePublicKey, publicKeyFromSpki } from '@holdfast/tuf';
import { generateExperimentalKey, generateKey, localSigner, readKeyFile, writeKeyFile } from '@holdfast/tuf/node';
import { crypto as nodeCrypto } from '../src/crypto/node.ts';
import { crypto as webCrypto } from '../src/crypto/web.ts';
import { verifyKeyOf } from '../src/keys/verify-key.ts';
import { accepted, judgedRoot } from './judged-root.ts';
import { python } from './python.ts';

const PYTHON_SIGNS = `
import json, sys
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from securesystemslib.signer import CryptoSigner
signer = CryptoSigner(MLDSA44PrivateKey.generate())
key = signer.public_key
print(json.dumps([key.keytype, key.scheme, key.keyval["public"], key.keyid, signer.sign(json.load(sys.stdin).encode()).signature]))
`;

const signer = await generateExperimentalKey('ml-dsa-44/1');
const spki = createPublicKey(signer.privateKey).export({ format: 'der', type: 'spki' });

describe('ml-dsa-44 (experimental)', () => {
  it('signs metadata that this package and python-tuf accept, beside a key of another kind', async () => {
    const signers = [signer, await generateKey('ed25519')];
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('verifies what securesystemslib signs, and gives its key the keyid that securesystemslib gives it', async () => {
    const made = python(PYTHON_SIGNS, 'data');
    assert.ok(Array.isArray(made));
    const [keytype = '', scheme = '', pem = '', keyid = '', signature = ''] = made.map(String);
    assert.deepEqual([keytype, scheme], [signer.key.keytype, signer.key.scheme]);
    const key = await makePublicKey(keytype, scheme, pem);
    assert.equal(key.keyid, keyid);
    const { verify } = await verifyKeyOf(key);
    assert.equal(await verify(Buffer.from('data'), Buffer.from(signature, 'hex')), true);
    assert.equal(await verify(Buffer.from('other'), Buffer.from(signature, 'hex')), false);
    // A signature over the content itself is for another use of the key.
    const bare = sign(null, Buffer.from('data'), signer.privateKey);
    assert.equal(await (await verifyKeyOf(signer.key)).verify(Buffer.from('data'), bare), false);
  });

  it('keys differ by their material, and come back from key files and SubjectPublicKeyInfo', async () => {
    const other = await generateExperimentalKey('ml-dsa-44/1');
    const materials = await Promise.all([signer, other].map(async ({ key }) => (await verifyKeyOf(key)).material));
    assert.notEqual(materials[0], materials[1]);
    assert.deepEqual(await publicKeyFromSpki(spki), signer.key);
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-ml-dsa-'));
    try {
      await writeKeyFile(join(directory, 'key'), signer, undefined);
      assert.deepEqual((await readKeyFile(join(directory, 'key'), undefined)).key, signer.key);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('is refused clearly where only WebCrypto is, and for keys of other kinds', async () => {
    await assert.rejects(
      webCrypto.importKey({ kind: 'ml-dsa-44' }, spki),
      /experimental, and not verified in browsers/,
    );
    await assert.rejects(nodeCrypto.importKey({ kind: 'ed25519' }, spki), /another kind/);
    await assert.rejects(localSigner((await generateKey('ed25519')).privateKey, 'ml-dsa-44/1'), { code: 'KEY' });
  });
});
