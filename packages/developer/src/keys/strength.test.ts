import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { checkStrength, estimateBits, FILE_PASSPHRASE_BITS, PHRASE_BITS } from './strength.ts';
import { BITS_PER_WORD, PROPOSED_BITS, proposePhrase, wordList } from './word-list.ts';

describe('proposed phrases', () => {
  it('are of the large word list of the EFF, as it was published', () => {
    const dice = (at: number): string =>
      at
        .toString(6)
        .padStart(5, '0')
        .replaceAll(/\d/g, (digit) => String(Number(digit) + 1));
    const published = wordList()
      .map((word, at) => `${dice(at)}\t${word}\n`)
      .join('');
    // SHA-256 of eff_large_wordlist.txt
    const sha256 = 'addd35536511597a02fa0a9ff1e5284677b8883b83e986e43f15a3db996b903e';
    assert.equal(createHash('sha256').update(published).digest('hex'), sha256);
  });

  it('have 90 bits or more, differ, and pass as strong', async () => {
    const phrases = Array.from({ length: 200 }, proposePhrase);
    assert.equal(new Set(phrases).size, 200);
    const words = phrases.map((phrase) => phrase.split(' '));
    assert.ok(words.every((each) => each.length * BITS_PER_WORD >= PROPOSED_BITS && each.length === 7));
    assert.ok(words.flat().every((word) => wordList().includes(word)));
    assert.ok(new Set(words.flat()).size > 1150, 'of 1,400 draws from 7,776, about 1,280 are different');
    for (const phrase of phrases.slice(0, 3)) await checkStrength(phrase, PHRASE_BITS);
  });
});

describe('a phrase of one’s own', () => {
  const weak = [
    'password',
    'Tr0ub4dor&3',
    'correct horse battery staple',
    'To be, or not to be, that is the question',
    'Gallia est omnis divisa in partes tres quarum unam incolunt',
    'wir sind das volk und wir bleiben heute hier',
    'qwertyuiopasdfghjklzxcvbnm1234567890',
    'abacus abacus abacus abacus abacus abacus abacus',
    'a'.repeat(200),
    '1234567890123456789012345678901234567890',
    'CORRECT HORSE BATTERY STAPLE PASSWORD',
    'holdfast release signing key of alice 2026',
  ];
  for (const phrase of weak) {
    it(`is refused when it can be guessed: ${phrase.slice(0, 50)}`, async () => {
      await assert.rejects(checkStrength(phrase, PHRASE_BITS, ['alice']), {
        code: 'WEAK_PHRASE',
        needed: 64,
        message: /would be guessed in about 2\^\d+ tries.*words that chance chose/,
      });
    });
  }

  it('passes when chance made it: five listed words, or twenty-one random characters', async () => {
    await checkStrength('sizzle brick happening agony spotty', PHRASE_BITS);
    await checkStrength('Sizzle-Brick-Happening-Agony-Spotty', PHRASE_BITS);
    await checkStrength('j8Kp2#vQz9Lm4xR7tYw3uB', PHRASE_BITS);
    await assert.rejects(checkStrength('sizzle brick happening agony', PHRASE_BITS), { code: 'WEAK_PHRASE' });
    await checkStrength('sizzle brick happening agony', FILE_PASSPHRASE_BITS);
  });

  it('gains nothing by what an attacker knows', async () => {
    const [blind, knowing] = [await estimateBits('q7xv.yk2m!wd9'), await estimateBits('q7xv.yk2m!wd9', ['q7xv.yk2m'])];
    assert.ok(knowing < blind - 10, `${knowing} ${blind}`);
  });
});
