import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { InvalidPhraseError } from '../errors.ts';
import { normalizePhrase } from './phrase.ts';
import { phraseKey } from './phrase-key.ts';

interface Vector {
  readonly phrase: string;
  readonly account: string;
  readonly index: string;
  readonly seed: string;
  readonly public: string;
  readonly keyid: string;
}
const path = join(import.meta.dirname, '../../../../docs/formats/secret-phrase.json');
const { vectors } = JSON.parse(readFileSync(path, 'utf8')) as { vectors: readonly Vector[] };

describe('a secret phrase', () => {
  it('makes the keys that other implementations of Argon2 and Ed25519 make of it', async () => {
    assert.ok(vectors.length >= 5);
    for (const vector of vectors) {
      const { key, privateKey } = await phraseKey(vector.phrase, vector);
      assert.deepEqual([key.public, key.keyid], [vector.public, vector.keyid], vector.phrase);
      const { d = '' } = privateKey.export({ format: 'jwk' });
      assert.equal(Buffer.from(d, 'base64url').toString('hex'), vector.seed);
    }
    const same = vectors.filter(({ phrase }) => phrase === vectors[0]?.phrase);
    assert.equal(new Set(same.map(({ keyid }) => keyid)).size, 3, 'another account and another index have other keys');
  });

  it('counts in one form, however it was typed', () => {
    const typed = ['über  Café\t1', ' u\u0308ber Cafe\u0301\u3000\u2460\n', '\uff55\u0308ber\u00a0Café ¹'];
    for (const phrase of typed) assert.equal(normalizePhrase(phrase), 'über Café 1');
    assert.notEqual(normalizePhrase('Über Café 1'), normalizePhrase('über Café 1'), 'case counts');
  });

  it('has only characters that keep their form and can be seen', async () => {
    const refused = [
      '',
      ' \t',
      'a\u0000b',
      'a\u200db',
      'a\u202eb',
      'a\ue000b',
      'a\u0378b',
      'a\ud800b',
      'x'.repeat(257),
    ];
    for (const phrase of refused)
      assert.throws(() => normalizePhrase(phrase), InvalidPhraseError, JSON.stringify(phrase));
    assert.equal(normalizePhrase('x'.repeat(256)).length, 256);
    await assert.rejects(phraseKey(' ', { index: '00', account: 'ann' }), { code: 'INVALID_PHRASE' });
  });
});
