import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, netrcCredentials, parseMirrorUrl, takeCredentials } from '@holdfast/installer';
import { findInPypirc } from './pypirc.ts';
import { keptToken } from './token-store.ts';

/** The variable that gives build servers a token. */
export const TOKEN_VARIABLE = 'HOLDFAST_TOKEN';

const TOKEN_USER = '__token__';
const MAX_PYPIRC_BYTES = 1 << 20;

/**
 * The API token that this user has for an index: `HOLDFAST_TOKEN`, what stands in the trusted address, what was kept here, the entry of
 * that address in `~/.pypirc`, that of its host in `~/.netrc`. Only entries of the user `__token__` are tokens.
 */
export async function findToken(
  home: string,
  address: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const given = environment[TOKEN_VARIABLE];
  if (given !== undefined && given !== '') return given;
  const { url, credentials } = takeCredentials(parseMirrorUrl(address));
  return (
    tokenOf(credentials) ??
    (await keptToken(home, url.href)) ??
    tokenOf(await pypircCredentials(url.href, environment)) ??
    tokenOf(await netrcCredentials(url.hostname, environment))
  );
}

function tokenOf(credentials: Credentials | undefined): string | undefined {
  return credentials?.username === TOKEN_USER ? credentials.password : undefined;
}

async function pypircCredentials(url: string, environment: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  try {
    const text = await readFile(join(environment['HOME'] ?? homedir(), '.pypirc'), 'utf8');
    return text.length > MAX_PYPIRC_BYTES ? undefined : findInPypirc(text, url);
  } catch {
    return undefined; // no such file, or not ours to read: as good as none
  }
}
