import {
  type FetchLimits,
  findTrust,
  listTrust,
  NoTrustError,
  parseMirrorUrl,
  takeCredentials,
  type TrustedIndex,
} from '@holdfast/installer';
import { NotThatIndexError, TokenMissingError } from '../errors.ts';
import { type Account, getAccount } from './account-keys.ts';
import { findToken } from './find-token.ts';
import { firstRootFingerprint } from './first-root.ts';
import { IndexApi } from './index-api.ts';
import { keepToken } from './token-store.ts';

/** A developer at a trusted index: whose token it is was asked, and the index is the one that is trusted. */
export interface Session {
  readonly home: string;
  readonly trusted: TrustedIndex;
  readonly api: IndexApi;
  /** `index` in it is verified, its keys are what the index says. */
  readonly account: Account;
}

export interface OpenSessionOptions {
  readonly home: string;
  /** Name or address of a trusted index; without it, the only one. */
  readonly index?: string | undefined;
  /** Asks a person for an API token; what the index then accepts is kept. Without it, a missing token is an error. */
  readonly askToken?: (url: string) => Promise<string>;
  /** Default: the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly limits?: FetchLimits;
}

/** A trusted index, and the address at which it is asked. */
export interface ChosenIndex {
  readonly trusted: TrustedIndex;
  /** May hold credentials. */
  readonly url: string;
}

/**
 * The trusted index of that name or address. By name, it is asked at its first address; mirrors take no uploads.
 * @throws NoTrustError, AmbiguousIndexError, InvalidInputError
 */
export async function chooseIndex(home: string, index?: string): Promise<ChosenIndex> {
  if (index?.includes('://') !== true) {
    const trusted = await findTrust(home, index);
    return { trusted, url: trusted.urls[0] ?? '' };
  }
  const wanted = takeCredentials(parseMirrorUrl(index)).url.href;
  for (const trusted of await listTrust(home)) {
    const url = trusted.urls.find((each) => takeCredentials(parseMirrorUrl(each)).url.href === wanted);
    if (url !== undefined) return { trusted, url };
  }
  throw new NoTrustError(wanted);
}

/** @throws TokenMissingError, TokenRefusedError, NotThatIndexError, and as {@link chooseIndex} and {@link IndexApi} */
export async function openSession(options: OpenSessionOptions): Promise<Session> {
  const { home, askToken, environment = process.env, limits } = options;
  const { trusted, url } = await chooseIndex(home, options.index);
  const known = await findToken(home, url, environment);
  const { url: bare } = new IndexApi({ url });
  if (known === undefined && askToken === undefined) throw new TokenMissingError(bare);
  const token = known ?? (await askToken?.(bare));
  const api = new IndexApi({ url, token, environment, ...(limits && { limits }) });
  const account = await getAccount(api);
  const expected = await firstRootFingerprint(home, trusted, environment, limits);
  if (account.index !== expected) throw new NotThatIndexError(bare, expected, account.index);
  if (known === undefined && token !== undefined) await keepToken(home, bare, token);
  return { home, trusted, api, account };
}
