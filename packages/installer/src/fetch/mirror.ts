import { setTimeout as wait } from 'node:timers/promises';
import { InvalidInputError, UnreachableError } from '../errors.ts';
import { ACCEPT_DICTIONARY, ACCEPT_ENCODING, availableDictionary } from './content-coding.ts';
import { netrcCredentials, takeCredentials } from './credentials.ts';
import type { FetchLimits } from './limits.ts';
import { Origin, type OpenResponse, type RequestOptions } from './origin.ts';
import { readSmallBody } from './small-body.ts';

const QUICK_MS = 2_000;

export interface ReadOptions {
  /** Bytes. */
  readonly maxLength: number;
  readonly signal?: AbortSignal | undefined;
  readonly dictionary?: Uint8Array | undefined;
}

/** One place that serves an index: its root address, and how to ask it. */
export class Mirror {
  /** Ends with a slash; without credentials, so that it can be shown. */
  readonly url: string;
  readonly limits: FetchLimits;
  readonly #origin: Origin;

  constructor(url: string, origin: Origin, limits: FetchLimits) {
    this.url = url;
    this.limits = limits;
    this.#origin = origin;
  }

  static async open(address: string, limits: FetchLimits, environment: NodeJS.ProcessEnv): Promise<Mirror> {
    const { url, credentials } = takeCredentials(parseMirrorUrl(address));
    const known = credentials ?? (await netrcCredentials(url.hostname, environment));
    return new Mirror(url.href, new Origin(url, known, limits, environment), limits);
  }

  /**
   * Opens `path` (already percent-encoded, relative), wherever the mirror says that it lies: the caller knows what the bytes have to be. A
   * body that breaks off later is the caller's to resume.
   */
  open(path: string, options: RequestOptions = {}): Promise<OpenResponse> {
    const request = { ...options, elsewhere: true };
    return this.#retrying(() => this.#origin.get(new URL(path, this.url), request), options.signal);
  }

  /**
   * Reads a whole small file, compressed on the way when the mirror can. With a dictionary, such as an older version of the file,
   * it may come as a delta (RFC 9842); what comes of a delta is for the caller to verify like anything else.
   */
  read(path: string, options: ReadOptions): Promise<Uint8Array> {
    const { maxLength, signal, dictionary } = options;
    const headers = dictionary
      ? { 'accept-encoding': ACCEPT_DICTIONARY, 'available-dictionary': availableDictionary(dictionary) }
      : { 'accept-encoding': ACCEPT_ENCODING };
    return this.#retrying(async () => {
      const response = await this.#origin.get(new URL(path, this.url), { headers, signal });
      return readSmallBody(response, maxLength, this.limits, dictionary);
    }, signal);
  }

  close(): void {
    this.#origin.close();
  }

  async #retrying<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (let tried = 0; ; tried++) {
      const start = performance.now();
      try {
        return await attempt();
      } catch (error) {
        // What took long to fail would take long again; then another mirror is the better use of the time.
        const slow = performance.now() - start > QUICK_MS;
        if (slow || !(error instanceof UnreachableError) || tried >= this.limits.retries) throw error;
        await wait(100 * 3 ** tried, undefined, { signal });
      }
    }
  }
}

/** @throws InvalidInputError unless it is an absolute http(s) address of a directory, without query and fragment */
export function parseMirrorUrl(address: string): URL {
  const refuse = (why: string): never => {
    throw new InvalidInputError('address', address.replace(/\/\/[^/@]*@/, '//'), why);
  };
  const url = URL.parse(address) ?? refuse('is not an address');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('must begin with https:// or http://');
  if (url.search !== '' || url.hash !== '') refuse('must have no query and no fragment');
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    refuse('has a user name or password that is not percent-encoded');
  }
  // People paste the address that they give to pip.
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/simple$/, '') + '/';
  return url;
}
