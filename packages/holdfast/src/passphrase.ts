import { readFile } from 'node:fs/promises';
import { UsageError } from './command.ts';
import { askSecretly } from './question.ts';

/** Where a passphrase may come from, in this order: a file, an environment variable, the terminal. */
export interface PassphraseSource {
  readonly file?: string | undefined;
  readonly variable: string;
  /** What the prompt asks for, such as `Passphrase of the online key`. */
  readonly prompt: string;
  /** Ask twice, for a new key. */
  readonly confirm?: boolean;
}

const MAX_PASSPHRASE_BYTES = 4096;

/**
 * A passphrase. From a file, one newline at its end is not part of it.
 * @throws UsageError when there is none, or two typed ones differ; StoppedError
 */
export async function readPassphrase(source: PassphraseSource): Promise<string> {
  if (source.file !== undefined) return fromFile(source.file);
  const given = process.env[source.variable];
  if (given !== undefined && given !== '') return given;
  if (!process.stdin.isTTY) {
    throw new UsageError(
      `${source.prompt}: set ${source.variable}${'file' in source ? ', name a file with the option for it,' : ''} or run this at a terminal`,
    );
  }
  const typed = await askSecretly(`${source.prompt}: `);
  if (typed === '') throw new UsageError('an empty passphrase protects nothing');
  if (source.confirm && (await askSecretly('The same again: ')) !== typed)
    throw new UsageError('what was typed the second time differs from the first');
  return typed;
}

async function fromFile(path: string): Promise<string> {
  const bytes = await readFile(path);
  const passphrase = bytes
    .subarray(0, MAX_PASSPHRASE_BYTES + 1)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (passphrase === '' || bytes.length > MAX_PASSPHRASE_BYTES) {
    throw new UsageError(`${path} holds no passphrase of 1 to ${MAX_PASSPHRASE_BYTES} bytes`);
  }
  return passphrase;
}
