import assert from 'node:assert/strict';
import { KeyError, type PublicKey } from '@holdfast/tuf';
import { crypto as nodeCrypto } from '../../../src/crypto/node.ts';
import type { CryptoPort, SchemeSuite, VerifyKey } from '../../../src/crypto/port.ts';
import { crypto as webCrypto } from '../../../src/crypto/web.ts';
import { ed25519Spki, pemSpki } from '../../../src/keys/spki.ts';
import { verifyKeyOf } from '../../../src/keys/verify-key.ts';
import { type FuzzTarget, textOf } from '../target.ts';

export const MESSAGE: Uint8Array = new TextEncoder().encode('what is signed');

export const SCHEMES: readonly { readonly keytype: string; readonly scheme: string; readonly suite: SchemeSuite }[] = [
  { keytype: 'ed25519', scheme: 'ed25519', suite: { kind: 'ed25519' } },
  { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', suite: { kind: 'ecdsa', curve: 'P-256', hash: 'sha256' } },
  { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384', suite: { kind: 'ecdsa', curve: 'P-384', hash: 'sha384' } },
  { keytype: 'rsa', scheme: 'rsassa-pss-sha256', suite: { kind: 'rsa-pss', hash: 'sha256' } },
  { keytype: 'rsa', scheme: 'rsassa-pss-sha512', suite: { kind: 'rsa-pss', hash: 'sha512' } },
];

const HEADER = '-----BEGIN PUBLIC KEY-----';
const FOOTER = '-----END PUBLIC KEY-----';

/**
 * Any text is a key or a KeyError; PEM is read as its base64 says; and both kinds of cryptography, Node's and the browser's,
 * see the same key and the same signatures. Input: scheme, whether the key is text or DER, length of a signature, the
 * signature, the key.
 */
export const keys: FuzzTarget = {
  // Real keys with real signatures are in the corpus.
  seeds: [
    Buffer.from('000000'.concat(Buffer.from('ab'.repeat(32)).toString('hex')), 'hex'),
    Buffer.from(`030000${Buffer.from(`${HEADER}\nAAAA\n${FOOTER}\n`).toString('hex')}`, 'hex'),
    Buffer.from('010100305930130607', 'hex'),
  ],
  dictionary: [
    HEADER,
    FOOTER,
    '-----',
    '=',
    '==',
    '\n',
    '\r\n',
    ' ',
    'AA',
    '\u00a0',
    '\u0030\u0082',
    '\u0002\u0001',
    '\u0003',
    '\u0006',
  ],
  maxLength: 2048,
  stepLimit: (length) => 5000 + 60 * length,
  async run(input) {
    const { scheme, key, signature } = inputParts(input);
    const spki = spkiOf(scheme.suite, key.public);
    const verifyKey = await verifyKeyOf(key).catch((error: unknown) => {
      assert.ok(error instanceof KeyError && error.keyid === key.keyid, String(error));
      return undefined;
    });
    if (spki === undefined) {
      assert.equal(verifyKey, undefined);
      return 'no SubjectPublicKeyInfo';
    }
    const [inNode, inBrowser] = await Promise.all([
      imported(nodeCrypto, scheme.suite, spki),
      imported(webCrypto, scheme.suite, spki),
    ]);
    assert.equal(verifyKey?.material, inNode?.material);
    assert.equal(inNode?.material, inBrowser?.material, 'one key in Node, another or none in a browser');
    if (inNode === undefined || inBrowser === undefined) return 'refused';
    const valid = await inNode.verify(MESSAGE, signature);
    const validInBrowser = await inBrowser.verify(MESSAGE, signature);
    // WebCrypto cannot find out how long the salt of an RSA signature is; the browser knows the two lengths in use.
    if (scheme.suite.kind === 'rsa-pss') assert.ok(valid || !validInBrowser, 'valid in a browser only');
    else assert.equal(validInBrowser, valid, 'valid in one place only');
    return `${scheme.scheme} ${valid}`;
  },
};

function inputParts(input: Uint8Array): { scheme: (typeof SCHEMES)[number]; key: PublicKey; signature: Uint8Array } {
  const [chosen = 0, form = 0, units = 0] = input;
  const scheme = SCHEMES[chosen % SCHEMES.length];
  assert.ok(scheme !== undefined);
  // Up to 512 bytes, which is the longest signature of an RSA key that is accepted.
  const end = 3 + units * 2;
  const rest = input.subarray(end);
  const text = form % 2 === 0 ? textOf(rest) : wrapped(scheme.suite, rest);
  const { keytype, scheme: name } = scheme;
  return {
    scheme,
    key: { keyid: 'fuzzed', keytype, scheme: name, public: text, json: new Map() },
    signature: input.subarray(3, end - (form >> 7)),
  };
}

function wrapped(suite: SchemeSuite, der: Uint8Array): string {
  if (suite.kind === 'ed25519') return Buffer.from(der).toString('hex');
  return `${HEADER}\n${Buffer.from(der).toString('base64')}\n${FOOTER}\n`;
}

/** As the client reads it; checked against Node's own decoders. */
function spkiOf(suite: SchemeSuite, text: string): Uint8Array | undefined {
  if (suite.kind === 'ed25519') {
    const spki = ed25519Spki(text);
    const isKey = text.length === 64 && Buffer.from(text, 'hex').length === 32;
    assert.equal(spki !== undefined, isKey);
    if (spki !== undefined) assert.equal(Buffer.from(spki.subarray(12)).toString('hex'), text.toLowerCase());
    return spki;
  }
  const spki = pemSpki(text);
  const trimmed = text.trim();
  const isFramed = trimmed.startsWith(HEADER) && trimmed.endsWith(FOOTER);
  const body = trimmed.slice(HEADER.length, -FOOTER.length).replace(/\s/g, '');
  const bytes = Buffer.from(body, 'base64');
  if (spki === undefined) {
    // Long texts are refused unseen.
    const isKey = isFramed && body.length > 0 && bytes.toString('base64') === body && trimmed.length < 8192;
    assert.ok(!isKey, 'refused a key');
  } else {
    assert.ok(isFramed && bytes.equals(spki), 'other bytes than the base64 says');
  }
  return spki;
}

function imported(crypto: CryptoPort, suite: SchemeSuite, spki: Uint8Array): Promise<VerifyKey | undefined> {
  return crypto.importKey(suite, spki).catch(() => undefined);
}
