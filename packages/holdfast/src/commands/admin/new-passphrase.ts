import { checkStrength, FILE_PASSPHRASE_BITS, WeakPhraseError } from '@holdfast/developer';
import { type Options, text } from '../../arguments.ts';
import { UsageError } from '../../command.ts';
import { readPassphrase } from '../../passphrase.ts';
import { note } from '../../terminal.ts';

const VARIABLE = 'HOLDFAST_OFFLINE_PASSPHRASE';

/**
 * Asks for passphrases of new offline keys. They must withstand whoever has the folder for as long as the keys count, so weak ones
 * are refused. At a terminal everybody is asked again: nobody's slip ends a ceremony.
 * @returns a function of the prompt. It throws UsageError, WeakPhraseError, StoppedError
 */
export function newPassphrases(options: Options): (prompt: string) => Promise<string> {
  const file = text(options, 'offline-passphrase-file');
  const isTyped = file === undefined && (process.env[VARIABLE] ?? '') === '' && process.stdin.isTTY;
  const strong = new Set<string>();
  const once = async (prompt: string): Promise<string> => {
    const passphrase = await readPassphrase({ file, variable: VARIABLE, prompt, confirm: true });
    // Judging takes half a second, and one passphrase may be for all holders.
    if (!strong.has(passphrase)) await checkStrength(passphrase, FILE_PASSPHRASE_BITS, ['holdfast']);
    strong.add(passphrase);
    return passphrase;
  };
  return async (prompt) => {
    for (;;) {
      try {
        return await once(prompt);
      } catch (error) {
        if (!isTyped || !(error instanceof UsageError || error instanceof WeakPhraseError)) throw error;
        note(`Not that one: ${error.message}.`);
      }
    }
  };
}
