import { type AskSecret, openSession, type SecretRequest, type Session } from '@holdfast/developer';
import { holdfastHome } from '@holdfast/installer';
import { type Options, text } from '../arguments.ts';
import { UsageError } from '../command.ts';
import { readPassphrase } from '../passphrase.ts';
import { ask } from '../question.ts';
import { note } from '../terminal.ts';

/** Options of every command that signs with a developer's key, and what the help says about them. */
export const SECRET_OPTIONS = {
  'phrase-file': { type: 'string' },
  'passphrase-file': { type: 'string' },
} as const;
export const SECRET_HELP = [
  '  --phrase-file FILE       where the secret phrase is (or HOLDFAST_PHRASE), instead of typing it',
  '  --passphrase-file FILE   where the passphrase of a key file is (or HOLDFAST_KEY_PASSPHRASE)',
].join('\n');

const VARIABLES: Readonly<Record<SecretRequest['kind'], string>> = {
  phrase: 'HOLDFAST_PHRASE',
  passphrase: 'HOLDFAST_KEY_PASSPHRASE',
  pin: 'HOLDFAST_PIN',
};

/** Asks for what opens a key: a file that an option names, a variable, or the terminal. */
export function secretsFrom(options: Options): AskSecret {
  return ({ kind, prompt, isNew = false }) =>
    readPassphrase({
      file: kind === 'pin' ? undefined : text(options, `${kind}-file`),
      variable: VARIABLES[kind],
      prompt,
      confirm: isNew,
    });
}

/**
 * This user at a trusted index, by its name or address; without one, at the only one. A token that is typed is kept when the index
 * accepts it.
 */
export function developerSession(index: string | undefined): Promise<Session> {
  const home = holdfastHome();
  return openSession({
    home,
    index,
    ...(process.stdin.isTTY && {
      askToken: (url: string) => {
        note(`An API token for ${url} is needed. It will be kept in ${home}, readable by you only.`);
        return readPassphrase({ variable: 'HOLDFAST_TOKEN', prompt: 'API token' });
      },
    }),
  });
}

/** A yes at the terminal, where there is one. @throws UsageError when there is none, naming the option that says yes */
export async function confirmed(question: string, option: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError(`${question} Say so with ${option}, or run this at a terminal`);
  return /^y(?:es)?$/i.test((await ask(`${question} [y/N] `)).trim());
}
