import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeJson, parseJson, toJson } from '@holdfast/tuf';
import { withFileLock, writeFileAtomic } from '@holdfast/tuf/node';
import { TokenStoreError } from '../errors.ts';
import { asObject, asText } from '../json-fields.ts';
import { developerDirectory } from '../keys/key-ring.ts';

const FORMAT = 1;
const tokensPath = (home: string): string => join(developerDirectory(home), 'tokens.json');

/** The token that was kept for an index. @throws TokenStoreError */
export async function keptToken(home: string, url: string): Promise<string | undefined> {
  return (await readTokens(home)).get(url);
}

/** Keeps a token for an index, readable by this user only. */
export async function keepToken(home: string, url: string, token: string): Promise<void> {
  await changeTokens(home, (tokens) => tokens.set(url, token));
}

/** Forgets the token of an index; `false` when there was none. */
export async function forgetToken(home: string, url: string): Promise<boolean> {
  let wasThere = false;
  await changeTokens(home, (tokens) => {
    wasThere = tokens.delete(url);
  });
  return wasThere;
}

async function changeTokens(home: string, change: (tokens: Map<string, string>) => unknown): Promise<void> {
  const directory = developerDirectory(home);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await withFileLock(join(directory, 'tokens.lock'), async () => {
    const tokens = await readTokens(home);
    change(tokens);
    await writeFileAtomic(tokensPath(home), encodeJson(toJson({ format: FORMAT, tokens })), { mode: 0o600 });
  });
}

async function readTokens(home: string): Promise<Map<string, string>> {
  const path = tokensPath(home);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  try {
    const file = asObject(parseJson(bytes), 'the file');
    if (file.get('format') !== FORMAT) throw new TokenStoreError(path);
    return new Map([...asObject(file.get('tokens'), 'tokens')].map(([url, token]) => [url, asText(token, 'token')]));
  } catch (cause) {
    throw new TokenStoreError(path, { cause });
  }
}
