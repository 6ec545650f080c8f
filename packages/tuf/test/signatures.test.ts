import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSignature,
  canonicalize,
  encodeJson,
  FormatError,
  isJsonObject,
  type JsonValue,
  makePublicKey,
  parseJson,
  parseTargets,
  type PublicKey,
  type Signer,
  signMetadata,
  targetsJson,
  toJson,
  UnsignedMetadataError,
  verifySignatures,
} from '@holdfast/tuf';
import { generateKey, localSigner } from '@holdfast/tuf/node';
import { generateKeyPairSync } from 'node:crypto';
import { emptyFile, key, later } from './repository.ts';

const signed = targetsJson({ version: 1, expires: later(1), targets: new Map([['a', emptyFile()]]) });
const keysOf = (...signers: readonly Signer[]): ReadonlyMap<string, PublicKey> =>
  new Map(signers.map(({ key }) => [key.keyid, key]));
const roleOf = (threshold: number, ...signers: readonly Signer[]) => ({
  keyids: signers.map(({ key }) => key.keyid),
  threshold,
});
const renamed = (signer: Signer, keyid: string): Signer => ({
  key: { ...signer.key, keyid },
  sign: (data) => signer.sign(data),
});

describe('signatures', () => {
  for (const scheme of [
    'ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'rsassa-pss-sha256',
    'rsassa-pss-sha384',
    'rsassa-pss-sha512',
  ] as const) {
    it(`made with ${scheme} verify, and not over other bytes (§4.2.2)`, async () => {
      const signer = await generateKey(scheme);
      const bytes = await signMetadata(signed, [signer]);
      assert.equal(await verifySignatures(parseTargets(bytes), keysOf(signer), roleOf(1, signer)), 1);
      const changed = new TextEncoder().encode(new TextDecoder().decode(bytes).replace('"version":1', '"version":2'));
      await assert.rejects(
        verifySignatures(parseTargets(changed), keysOf(signer), roleOf(1, signer)),
        UnsignedMetadataError,
      );
    });
  }

  it('count by key material: one key under two keyids is one signature (§5.3.4, TAP 12, tuf-js deviation 4)', async () => {
    const signer = await key();
    const [one, two] = [renamed(signer, 'one'), renamed(signer, 'two')];
    const metadata = parseTargets(await signMetadata(signed, [one, two]));
    await assert.rejects(verifySignatures(metadata, keysOf(one, two), roleOf(2, one, two)), {
      code: 'UNSIGNED',
      threshold: 2,
      valid: 1,
    });
  });

  it('count by key material also when one RSA key is written in two schemes', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const one = await localSigner(privateKey, 'rsassa-pss-sha256');
    const two = await localSigner(privateKey, 'rsassa-pss-sha512');
    const metadata = parseTargets(await signMetadata(signed, [one, two]));
    assert.equal(await verifySignatures(metadata, keysOf(one, two), roleOf(1, one, two)), 1);
  });

  it('may not list a keyid twice, neither when read nor when made (§4.2.1, GHSA-pwqf-9h7j-7mv8)', async () => {
    const signer = await key();
    await assert.rejects(signMetadata(signed, [signer, signer]), FormatError);
    const sig = { keyid: 'a', sig: '' };
    assert.throws(() => parseTargets(encodeJson(toJson({ signatures: [sig, sig], signed }))), FormatError);
  });

  it('need the threshold of different keys, gathered one by one from holders who never meet (§2.1.1)', async () => {
    const holders = await Promise.all([key(), generateKey('ecdsa-sha2-nistp256'), key()]);
    const [first, second] = holders;
    let bytes = await signMetadata(signed, []);
    await assert.rejects(
      verifySignatures(parseTargets(bytes), keysOf(...holders), roleOf(2, ...holders)),
      UnsignedMetadataError,
    );
    bytes = await addSignature(bytes, first);
    bytes = await addSignature(bytes, first);
    await assert.rejects(
      verifySignatures(parseTargets(bytes), keysOf(...holders), roleOf(2, ...holders)),
      UnsignedMetadataError,
    );
    bytes = await addSignature(bytes, second);
    assert.equal(await verifySignatures(parseTargets(bytes), keysOf(...holders), roleOf(2, ...holders)), 2);
  });

  it('of a key that the role does not list, or that is not there, do not count', async () => {
    const [listed, other] = await Promise.all([key(), key()]);
    const metadata = parseTargets(await signMetadata(signed, [other]));
    await assert.rejects(verifySignatures(metadata, keysOf(listed, other), roleOf(1, listed)), UnsignedMetadataError);
    await assert.rejects(verifySignatures(metadata, keysOf(listed), roleOf(1, other)), UnsignedMetadataError);
  });

  it('hold whatever the keyid is called (TAP 12 instead of §4.3)', async () => {
    const signer = renamed(await key(), '__proto__');
    assert.equal(
      await verifySignatures(parseTargets(await signMetadata(signed, [signer])), keysOf(signer), roleOf(1, signer)),
      1,
    );
  });

  it('cover the canonical form when the file is laid out differently, and the bytes as received when those were signed (§4.2.1)', async () => {
    const signer = await key();
    const { keyid } = signer.key;
    const pretty = `{ "version": 1, "_type": "targets", "spec_version": "1.0.34",\n "expires": "2030-01-01T00:00:00Z", "targets": {} }`;
    const canonical = canonicalize(parseJson(new TextEncoder().encode(pretty)));
    for (const payload of [canonical, new TextEncoder().encode(pretty)]) {
      const sig = Buffer.from(await signer.sign(payload)).toString('hex');
      const file = new TextEncoder().encode(
        `{ "signed": ${pretty}, "signatures": [{"keyid": "${keyid}", "sig": "${sig}"}] }`,
      );
      assert.equal(await verifySignatures(parseTargets(file), keysOf(signer), roleOf(1, signer)), 1);
    }
  });

  it('hold for content whose canonical form is not JSON (control characters)', async () => {
    const signer = await key();
    const odd = targetsJson({ version: 1, expires: later(1), targets: new Map([['a\nb\u0000', emptyFile()]]) });
    const metadata = parseTargets(await addSignature(await signMetadata(odd, []), signer));
    assert.equal(await verifySignatures(metadata, keysOf(signer), roleOf(1, signer)), 1);
    assert.ok(metadata.signed.targets.has('a\nb\u0000'));
  });

  it('of unusable keys do not count, and say why: unknown scheme, damaged, RSA of 1024 bits, wrong curve (§4.2.2)', async () => {
    const good = await key();
    const sig = { sig: 'ab', keyid: '' };
    const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 })
      .publicKey.export({ format: 'pem', type: 'spki' })
      .toString();
    const p384 = (await generateKey('ecdsa-sha2-nistp384')).key.public;
    const bad = await Promise.all([
      makePublicKey('sigstore-oidc', 'Fulcio', 'x'),
      makePublicKey('ed25519', 'ed25519', 'abcd'),
      makePublicKey('ed25519', 'ed25519', good.key.public.replace(/^../, 'zz')),
      makePublicKey('rsa', 'rsassa-pss-sha256', rsa1024),
      makePublicKey('ecdsa', 'ecdsa-sha2-nistp256', p384),
      makePublicKey('ecdsa', 'ecdsa-sha2-nistp256', 'no PEM'),
      makePublicKey('ed25519', 'rsassa-pss-sha256', good.key.public),
    ]);
    const file = toJson({ signatures: bad.map(({ keyid }) => ({ ...sig, keyid })), signed });
    const role = { keyids: bad.map(({ keyid }) => keyid), threshold: 1 };
    const keys = new Map(bad.map((one) => [one.keyid, one]));
    await assert.rejects(verifySignatures(parseTargets(encodeJson(file)), keys, role), (error) => {
      assert.ok(error instanceof UnsignedMetadataError);
      assert.equal(error.problems.size, bad.length);
      for (const problem of error.problems.values()) assert.match(problem, /cannot be used/);
      return true;
    });
  });

  it('survive unknown members of the envelope, of signed, of keys and of targets (§4)', async () => {
    const signer = await key();
    const json = new Map<string, JsonValue>([...signed, ['x-extra', toJson({ a: [1] })]]);
    const bytes = await addSignature(await signMetadata(json, []), signer);
    const metadata = parseTargets(bytes);
    assert.deepEqual(metadata.signed.unrecognized, toJson({ 'x-extra': { a: [1] } }));
    const again = parseJson(bytes);
    assert.ok(isJsonObject(again));
    assert.deepEqual(canonicalize(again.get('signed') ?? null), canonicalize(json));
  });
});
