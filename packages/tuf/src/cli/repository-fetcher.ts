import { HttpFetcher } from '../client/http-fetcher.ts';
import type { TransferLimits } from '../client/http-limits.ts';
import type { FetchOptions, MetadataFetcher } from '../client/ports.ts';
import { NetworkError, NotFoundError } from '../errors.ts';
import { nodeFetch } from '../node/http-fetch.ts';

/** Files below an address, each asked for once. */
export function httpOnce(url: string, limits: Partial<TransferLimits> = {}): HttpFetcher {
  return new HttpFetcher(url, { limits: { ...limits, attempts: 0 }, fetch: nodeFetch });
}

/**
 * Makes each request of the workflow (§5.3 to §5.6) once: nothing is tried again, and only a missing next root is an
 * answer. An updater would look whether a missing snapshot was swept away meanwhile, and that costs further requests.
 */
export class RepositoryFetcher implements MetadataFetcher {
  private readonly http: HttpFetcher;

  constructor(url: string) {
    this.http = httpOnce(url);
  }

  async fetch(path: string, options: FetchOptions): Promise<Uint8Array> {
    try {
      return await this.http.fetch(path, options);
    } catch (error) {
      if (error instanceof NotFoundError && !/^\d+\.root\.json$/.test(path))
        throw new NetworkError(path, 'the repository does not have it', error);
      throw error;
    }
  }
}
