import { InvalidPhraseError } from '../errors.ts';

/** Characters of a phrase, after normalization. */
export const MAX_PHRASE_LENGTH = 256;

/**
 * The one form of a secret phrase (docs/formats/secret-phrase.md): Unicode form NFKC, no white space at its ends, one space
 * between words. So it does not matter on which keyboard it was typed, or how wide its spaces were.
 * @throws InvalidPhraseError
 */
export function normalizePhrase(typed: string): string {
  if (!typed.isWellFormed() || /[\p{Cn}\p{Co}]/u.test(typed))
    throw new InvalidPhraseError(
      'the phrase has characters that Unicode does not know, and that could change their form',
    );
  const phrase = typed
    .normalize('NFKC')
    .replaceAll(/\p{White_Space}+/gu, ' ')
    .trim();
  if (/[\p{Cc}\p{Cf}]/u.test(phrase)) throw new InvalidPhraseError('the phrase has characters that cannot be seen');
  if (phrase === '') throw new InvalidPhraseError('the phrase is empty');
  if (phrase.length > MAX_PHRASE_LENGTH)
    throw new InvalidPhraseError(`the phrase is longer than ${MAX_PHRASE_LENGTH} characters`);
  return phrase;
}
