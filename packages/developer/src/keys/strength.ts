import { WeakPhraseError } from '../errors.ts';
import { normalizePhrase } from './phrase.ts';
import { BITS_PER_WORD, wordList } from './word-list.ts';

/** What a phrase alone must withstand: its public key is public, so everybody may guess at home, a second or so for each guess. */
export const PHRASE_BITS = 64;

/** What must withstand only those who also have the key file. */
export const FILE_PASSPHRASE_BITS = 45;

/**
 * Bits of a letter in text that somebody wrote or said: people who guessed English letter by letter needed 0.6 to 1.3
 * (Shannon 1951).
 */
const BITS_PER_LETTER = 1;

/** Expected guesses for a text, as a power of two. */
type Judge = (text: string) => number;

/**
 * How many guesses a phrase withstands, as a power of two, judged low. Two judges, and the stricter one counts: zxcvbn, which knows
 * what people do with keyboards, names and dates but takes any sentence for strong; and a count of the different words: those of the
 * list as if they were drawn from it, others as words of a sentence.
 * @param hints what an attacker tries first: names of the account and the index
 * @throws InvalidPhraseError
 */
export async function estimateBits(phrase: string, hints: readonly string[] = []): Promise<number> {
  const normal = normalizePhrase(phrase);
  const judge = await zxcvbn(hints);
  const listed = new Set(wordList());
  const parts = new Map(normal.split(/[^\p{L}\p{M}\p{N}]+/u).map((part) => [part.toLowerCase(), part]));
  parts.delete('');
  let counted = 0;
  for (const [lower, part] of parts) {
    if (listed.has(lower)) counted += BITS_PER_WORD;
    else if (isWord(part, lower)) counted += BITS_PER_LETTER * part.length;
    else counted += judge(part);
  }
  return Math.min(counted, judge(normal));
}

/** @throws WeakPhraseError that says what would help, InvalidPhraseError */
export async function checkStrength(phrase: string, needed: number, hints: readonly string[] = []): Promise<void> {
  const bits = await estimateBits(phrase, hints);
  if (bits >= needed) return;
  const count = Math.ceil(needed / BITS_PER_WORD);
  throw new WeakPhraseError(
    bits,
    needed,
    `take ${count} or more words that chance chose, no sentence, quotation or names`,
  );
}

/** Letters only, written as people write words; mixed cases and digits are how programs make passwords. */
function isWord(part: string, lower: string): boolean {
  return /^[\p{L}\p{M}]+$/u.test(part) && (part.slice(1) === lower.slice(1) || part === part.toUpperCase());
}

/** Its dictionaries take half a second and 50 MB, so they are loaded only when somebody chooses a phrase. */
async function zxcvbn(hints: readonly string[]): Promise<Judge> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  const judge = new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
  });
  return (text) => Math.log2(10) * judge.check(text, [...hints]).guessesLog10;
}
