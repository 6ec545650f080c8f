import { concatBytes } from '../bytes.ts';
import { FormatError } from '../errors.ts';
import { DEFAULT_TRANSFER_LIMITS, type TransferLimits } from './http-limits.ts';
import { type Fetch, receive, type TransferSink } from './http-transfer.ts';
import type { FetchOptions, MetadataFetcher } from './ports.ts';

/** For {@link HttpFetcher}. */
export interface HttpFetcherOptions {
  /** What differs from {@link DEFAULT_TRANSFER_LIMITS}. */
  readonly limits?: Partial<TransferLimits>;
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the one of the platform; `nodeFetch` of `@holdfast/tuf/node` starts faster. */
  readonly fetch?: Fetch;
}

/**
 * Files below one HTTP address: metadata of a repository, or its targets. Limits length, total time, idle time and rate;
 * tries again, and resumes what broke off. Runs in Node and in browsers.
 */
export class HttpFetcher implements MetadataFetcher {
  /** Ends with a slash. */
  readonly url: string;
  private readonly options: HttpFetcherOptions;
  private readonly limits: TransferLimits;

  /** @throws RangeError unless `url` is an absolute http or https address without query and fragment */
  constructor(url: string, options: HttpFetcherOptions = {}) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '')
      throw new RangeError('a repository has an http or https address without query and fragment');
    if (!parsed.pathname.endsWith('/')) parsed.pathname += '/';
    this.url = parsed.href;
    this.options = options;
    this.limits = { ...DEFAULT_TRANSFER_LIMITS, ...options.limits };
  }

  /**
   * The bytes of one file.
   * @throws NotFoundError, NetworkError, LengthMismatchError, FormatError for a path with `..` in it, and the reason of an
   *   aborted signal
   */
  async fetch(path: string, options: FetchOptions): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    await this.receive(path, options, {
      write: (chunk) => void chunks.push(chunk),
      restart: () => void (chunks.length = 0),
    });
    const [first] = chunks;
    return chunks.length === 1 && first !== undefined ? first : concatBytes(...chunks);
  }

  /** As {@link fetch}, for what is too large to keep in memory. */
  receive(path: string, options: FetchOptions, sink: TransferSink): Promise<void> {
    const { headers = {}, fetch = globalThis.fetch } = this.options;
    return receive({ ...options, url: this.resolve(path), path, headers, limits: this.limits, fetch }, sink);
  }

  /** A path never leaves the address: with a `..` in it the URL comes out different. */
  private resolve(path: string): URL {
    const url = new URL(this.url + path);
    if (url.href !== this.url + path || url.search !== '' || url.hash !== '')
      throw new FormatError('path', `${path} cannot be part of an address`);
    return url;
  }
}
