import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bits of a word that was drawn from the list: log2 of its 7,776 words. */
export const BITS_PER_WORD = Math.log2(7776);

/** Bits that a proposed phrase has at least. */
export const PROPOSED_BITS = 90;

let words: readonly string[] | undefined;

/** The large word list of the Electronic Frontier Foundation (data/README.md). */
export function wordList(): readonly string[] {
  const path = join(import.meta.dirname, '../../data/eff-large-wordlist.txt');
  words ??= readFileSync(path, 'utf8').trimEnd().split('\n');
  return words;
}

/** A secret phrase that nobody can guess: seven words drawn evenly from the list by the system's random numbers. */
export function proposePhrase(): string {
  const list = wordList();
  const count = Math.ceil(PROPOSED_BITS / BITS_PER_WORD);
  return Array.from({ length: count }, () => list[randomInt(list.length)]).join(' ');
}
