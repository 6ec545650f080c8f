import { dirname } from 'node:path';
import { UsageError } from './command.ts';

export interface Explanation {
  readonly sentence: string;
  readonly remedy?: string | undefined;
}

/** What operators are told to do. The sentence is the error's own; the packages that throw these are not loaded to explain them. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['ACCOUNT_UNKNOWN', 'Make the account first: holdfast account create DIRECTORY NAME.'],
  ['ACCOUNT_EXISTS', 'Make a token for it: holdfast token create DIRECTORY NAME.'],
  ['INVALID_ACCOUNT', 'Use 1 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.'],
  ['INVALID_NAME', 'Use letters, digits, dot, dash and underscore.'],
  ['INDEX_IN_USE', 'Stop the other process first, or use another directory.'],
  ['INDEX_EXISTS', 'Choose a directory, a database and a bucket that are empty; move old ones away.'],
  ['NO_INDEX', 'Check the path, or make an index there: holdfast init DIRECTORY --offline-keys DIRECTORY.'],
  [
    'INDEX_REQUESTED',
    'Complete it: holdfast init DIRECTORY --ceremony first.bundle. To begin again, remove the directory: nothing else is in it.',
  ],
  ['OFFLINE_DIRECTORY', 'Choose another directory for the offline keys, best on a memory stick.'],
  [
    'DAMAGED_INDEX',
    'Restore the index from its newest backup; published files and metadata are still in its objects directory.',
  ],
  ['OFFLINE_FILE', 'Carry the file again from where it was made; nothing of it was used.'],
  ['EXPORT_REFUSED', 'Sign nothing, and tell the other holders: the index may have been broken into.'],
  [
    'SIGNATURES_REFUSED',
    'Nothing was changed. Let every holder sign the very same file, and name all that they brought.',
  ],
  ['NOTHING_TO_SIGN', 'Name the keys that the review lists, or tell the others that yours are not needed.'],
  ['HOLDERS', 'Look at the keys and thresholds again: holdfast admin review FILE shows what would change.'],
  [
    'OFFER_REFUSED',
    'Nothing was changed. Export again, and let the holders sign that: holdfast admin export DIRECTORY FILE.',
  ],
  ['STORAGE_FULL', 'Make room and start it again; nothing that was acknowledged is lost.'],
  ['ONLINE_KEY', 'Root and targets name other keys than this index has: import the metadata that names its keys.'],
  ['INVALID_LOCATION', 'Write it as in the operator guide, docs/guides/operator.md.'],
  ['UNSAFE_POSTGRES', 'Change the setting on the server, or use another database.'],
  [
    'UNSAFE_OBJECT_STORE',
    'Use a service with conditional writes (If-None-Match and If-Match), or a newer version of this one.',
  ],
  [
    'OBJECT_STORE',
    'Check the bucket, its endpoint and the credentials; holdfast continues where it was when started again.',
  ],
  ['SIGNER_LOST', 'Start it again: it stands by while another process signs.'],
  ['STANDING_BY', 'Ask on the machine that signs, or stop that one first: this one then takes over.'],
  ['NO_OTHER_SIGNER', 'Leave --no-sign out, or move both stores first: holdfast migrate.'],
  [
    'TRACING_UNAVAILABLE',
    'Install @opentelemetry/api, resources, sdk-trace and exporter-trace-otlp-http beside holdfast, or unset the variable.',
  ],
  ['INVALID_TRACING', 'Change the variable, or unset OTEL_EXPORTER_OTLP_ENDPOINT.'],
  ['RECORDS_RETIRED', 'Take config.json of the machine where it was recovered, and the password of its new database.'],
  [
    'NEW_RECORDS_NEEDED',
    'Nothing was changed. Make an empty database that the thief has no password of, and name it: --records LOCATION.',
  ],
  ['NO_BACKUP', 'Make one with holdfast backup DIRECTORY TO, to its end.'],
  ['WRONG_BACKUP', 'Take an older backup, or believe more: --since N.'],
  ['KEPT_FILE', 'Nothing was changed. Take it out of the list, or look at it again.'],
  ['STOPPED', 'Give the command again when you have the answer.'],
  ['KEY_FILE', 'Check the passphrase and the file.'],
  [
    'SIGNER',
    'Nothing was changed. Does the agent run ("ssh-add -l"), is the token there? A wrong PIN was tried once only.',
  ],
  ['WEAK_PHRASE', 'Nothing was changed. "holdfast key phrase" proposes one that nobody can guess.'],
  ['INVALID_PHRASE', 'Nothing was changed. "holdfast key phrase" proposes one.'],
  [
    'WRONG_PHRASE',
    'Nothing was changed. A phrase counts for one account of one index: "holdfast key list" shows them.',
  ],
  ['KEY_CHANGED', 'Nothing was changed. Bring the right key, or begin to use this one: holdfast key create.'],
  ['NO_KEY', '"holdfast key list" shows the keys that there are, "holdfast key create" makes one.'],
  [
    'KEY_RING',
    'Move the file away and name your keys again with "holdfast key create": the keys themselves are elsewhere.',
  ],
  ['INVALID_TOKEN_URI', 'Write it as pkcs11:token=NAME;object=KEY?module-path=/path/of/the/library.so'],
  ['SIGNER_MISSING', 'Install it beside holdfast with npm; it is compiled on this machine.'],
  [
    'TOKEN_MISSING',
    'Set HOLDFAST_TOKEN, or run this at a terminal and type it. The operators of the index make tokens.',
  ],
  [
    'TOKEN_REFUSED',
    'Nothing was changed. Ask the operators for a new token; "holdfast account logout" forgets one that was typed.',
  ],
  ['TOKEN_STORE', 'Move the file away and type the token again.'],
  ['REFUSED', 'Nothing was changed.'],
  ['INDEX_BUSY', 'Try again in a minute. What was sent may have been done nevertheless.'],
  [
    'UNEXPECTED_ANSWER',
    'Is this the address of the index itself? Mirrors take no uploads: name the index by its own address.',
  ],
  ['NOT_THAT_INDEX', 'Nothing was signed. See which indexes you trust: holdfast trust list.'],
  [
    'ISOLATION_UNAVAILABLE',
    'Install bubblewrap and let this user make user namespaces: docs/guides/build-farm.md. Or run the farm in a virtual machine of its own.',
  ],
  [
    'BUILD_TOOLS',
    'Make an environment for it: python3 -m venv DIRECTORY, then DIRECTORY/bin/pip install "pip>=26" build, and give --python DIRECTORY/bin/python.',
  ],
  ['FARM_RUNNING', 'Stop that one first, or give this one a directory of its own with --state.'],
  ['FILE_REFUSED', 'Nothing was changed. Correct that, and give the command again.'],
  ['NOT_VISIBLE', 'It is published. Wait a moment, then look: holdfast status PROJECT.'],
  ['REQUEST_CODE', 'Copy it whole, or make another one: holdfast account add-key.'],
]);

/**
 * What a person at the terminal is told about an error: one sentence, then what to do. Never a stack trace.
 * @param command the one that was run, when it is known
 */
export async function explain(error: unknown, command = 'COMMAND'): Promise<Explanation> {
  if (error instanceof UsageError) {
    return { sentence: sentenceOf(error.message), remedy: `holdfast help ${command} shows how it is used.` };
  }
  if (isSystemError(error)) return explainSystem(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const remedy = ownRemedy(error) ?? remedies.get(code);
  if (error instanceof Error && remedy !== undefined) return withRemedy(sentenceOf(error.message), remedy);
  const installer = await import('@holdfast/installer');
  const { TufError } = await import('@holdfast/tuf');
  if (error instanceof installer.InstallerError || error instanceof TufError) return installer.explain(error);
  const message = error instanceof Error ? error.message : String(error);
  return { sentence: sentenceOf(message), remedy: 'Set HOLDFAST_DEBUG=1 to see where it happened.' };
}

const NOTHING_CHANGED = 'Nothing was changed.';

/** An index that refuses something says itself that nothing was changed, most of the time. */
function withRemedy(sentence: string, remedy: string): Explanation {
  if (!sentence.includes(NOTHING_CHANGED) || !remedy.startsWith(NOTHING_CHANGED)) return { sentence, remedy };
  const rest = remedy.slice(NOTHING_CHANGED.length).trim();
  return rest === '' ? { sentence } : { sentence, remedy: rest };
}

/** Where what to do depends on more than the kind of error, the error says it. */
function ownRemedy(error: unknown): string | undefined {
  return error instanceof Error && 'remedy' in error && typeof error.remedy === 'string' ? error.remedy : undefined;
}

const sentenceOf = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly syscall: string;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function explainSystem({ code, path, message }: SystemError): Explanation {
  // A file is written under a name of its own first: what is missing is the directory.
  const subject = path === undefined ? 'A file or address' : /\/\.[0-9a-f]{16}\.tmp$/.test(path) ? dirname(path) : path;
  switch (code) {
    case 'ENOENT':
      return { sentence: `${subject} does not exist.`, remedy: 'Check how it is spelled.' };
    case 'EACCES':
    case 'EPERM':
      return { sentence: `${subject} may not be used by this user.`, remedy: 'Check its owner and its permissions.' };
    case 'EISDIR':
      return { sentence: `${path ?? 'What was named'} is a directory.`, remedy: 'Name a file.' };
    case 'ENOTFOUND':
    case 'EADDRNOTAVAIL':
      return {
        sentence: 'This machine has no such address.',
        remedy: 'Choose another one with --host, such as 127.0.0.1.',
      };
    case 'ENOSPC':
      return { sentence: 'The disk is full.', remedy: 'Make room and do it again.' };
    case 'EADDRINUSE':
      return { sentence: 'The port is used by another program.', remedy: 'Choose another one with --port.' };
    default:
      return { sentence: sentenceOf(message) };
  }
}
