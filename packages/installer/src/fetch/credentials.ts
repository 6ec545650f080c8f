import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** RFC 7617, UTF-8. */
export function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/** Splits `https://user:password@host/` into the address without credentials and the credentials. */
export function takeCredentials(url: URL): { url: URL; credentials: Credentials | undefined } {
  if (url.username === '' && url.password === '') return { url, credentials: undefined };
  const credentials = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return { url: bare, credentials };
}

const MAX_NETRC_BYTES = 1 << 20;

/** The entry of the user's netrc file for a host, as pip and uv would use it. */
export async function netrcCredentials(host: string, environment: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const path = environment['NETRC'] ?? join(environment['HOME'] ?? homedir(), '.netrc');
  try {
    const text = await readFile(path, 'utf8');
    return text.length > MAX_NETRC_BYTES ? undefined : findInNetrc(text, host);
  } catch {
    // No netrc file, or not ours to read: as good as none.
    return undefined;
  }
}

/** Looks a host up in netrc text; `default` answers for hosts without an entry. Macro definitions are skipped. */
export function findInNetrc(text: string, host: string): Credentials | undefined {
  const tokens = text.replace(/^\s*macdef[^\n]*\n(?:[^\n]+\n)*/gm, '').match(/"(?:\\.|[^"\\])*"|[^\s"]+/g) ?? [];
  const words = tokens.map((token) => (token.startsWith('"') ? token.slice(1, -1).replaceAll(/\\(.)/g, '$1') : token));
  let found: Credentials | undefined;
  for (let at = 0; at < words.length; at++) {
    if (words[at] !== 'machine' && words[at] !== 'default') continue;
    const isDefault = words[at] === 'default';
    const name = isDefault ? undefined : words[++at];
    const entry = { username: '', password: '' };
    for (; at + 2 < words.length && /^(login|password|account)$/.test(words[at + 1] ?? ''); at += 2) {
      if (words[at + 1] === 'login') entry.username = words[at + 2] ?? '';
      if (words[at + 1] === 'password') entry.password = words[at + 2] ?? '';
    }
    if (name === host) return entry;
    if (isDefault) found ??= entry;
  }
  return found;
}
