import { type MetadataFetcher, NetworkError, NotFoundError } from '@holdfast/tuf';
import { AbsentError, UnreachableError } from '../errors.ts';
import type { Mirrors } from './mirrors.ts';

/** Fetches metadata files for the TUF client from whichever mirror answers. What they contain is the client's to judge. */
export class MirrorMetadataFetcher implements MetadataFetcher {
  readonly #mirrors: Mirrors;

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors;
  }

  /** @throws NotFoundError when no mirror has it, NetworkError when none can be reached */
  async fetch(
    path: string,
    options: { readonly maxLength: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array> {
    try {
      return await this.#mirrors.first((mirror) => mirror.read(`metadata/${path}`, options), {
        signal: options.signal,
        // Every walk along the roots ends with one that does not exist (§5.3.3); no need to ask everybody for it.
        believeAbsence: /^\d+\.root\.json$/.test(path),
      });
    } catch (error) {
      if (error instanceof AbsentError) throw new NotFoundError(path, error);
      if (error instanceof UnreachableError) throw new NetworkError(path, error.reason, error);
      throw error;
    }
  }
}
