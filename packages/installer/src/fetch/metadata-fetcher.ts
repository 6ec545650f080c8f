import {
  type FetchOptions,
  type MetadataFetcher,
  type MetadataStore,
  DEFAULT_LIMITS,
  NetworkError,
  NotFoundError,
} from '@holdfast/tuf';
import { AbsentError, UnreachableError } from '../errors.ts';
import type { Mirrors } from '../fetch/mirrors.ts';

const TIMESTAMP = 'timestamp.json';

/**
 * Fetches metadata files for the TUF client from whichever mirror answers. What they contain is the client's to judge.
 *
 * A refresh asks for the next root, and when there is none, for the timestamp (§5.3, §5.4). Both are on their way at the same time:
 * one round trip less. When there is a next root the timestamp is thrown away, for it may belong to the keys before.
 */
export class MirrorMetadataFetcher implements MetadataFetcher {
  readonly #mirrors: Mirrors;
  readonly #held: Pick<MetadataStore, 'read'>;
  #timestamp: Promise<Uint8Array> | undefined;

  /** @param held older versions of what is fetched, for mirrors that can send what changed */
  constructor(mirrors: Mirrors, held: Pick<MetadataStore, 'read'>) {
    this.#mirrors = mirrors;
    this.#held = held;
  }

  /** @throws NotFoundError when no mirror has it, NetworkError when none can be reached */
  async fetch(path: string, options: FetchOptions): Promise<Uint8Array> {
    const early = this.#timestamp;
    this.#timestamp = undefined;
    if (path === TIMESTAMP && early !== undefined) return early;
    if (!/^\d+\.root\.json$/.test(path)) return this.#read(path, options);
    const root = this.#read(path, options);
    const timestamp = this.#read(TIMESTAMP, { maxLength: DEFAULT_LIMITS.timestampBytes, signal: options.signal });
    timestamp.catch(() => {}); // told to who asks for it
    try {
      return await root;
    } catch (error) {
      if (error instanceof NotFoundError) this.#timestamp = timestamp;
      throw error;
    }
  }

  async #read(path: string, options: FetchOptions): Promise<Uint8Array> {
    // Roots and timestamps are small; of the others the store has the last version under the name without its number.
    const [, name] = /^\d+\.((?!root\.).+\.json)$/.exec(path) ?? [];
    const dictionary = name === undefined ? undefined : await this.#held.read(decodeURIComponent(name));
    try {
      return await this.#mirrors.first((mirror) => mirror.read(`metadata/${path}`, { ...options, dictionary }), {
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
