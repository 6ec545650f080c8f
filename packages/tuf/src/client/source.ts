import { FormatError, NetworkError, NotFoundError, TufError } from '../errors.ts';
import type { MetadataFetcher } from './ports.ts';

/** What a transfer or a verified file means to whoever shows progress. */
export interface UpdaterProgress {
  /** As fetched: `2.root.json`. */
  readonly path: string;
  /** Bytes. */
  readonly received: number;
  /** Bytes, where signed metadata announces them. */
  readonly expected: number | undefined;
  /** True once, when the file is complete and verified. */
  readonly verified: boolean;
}

export interface Wanted {
  readonly path: string;
  readonly maxLength: number;
  readonly expected?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The mirrors of one repository, as one: what a mirror lacks or serves wrong is taken from the next. */
export class Source {
  private mirrors: readonly MetadataFetcher[];
  private readonly onProgress: ((progress: UpdaterProgress) => void) | undefined;

  constructor(
    fetchers: MetadataFetcher | readonly MetadataFetcher[],
    onProgress?: (progress: UpdaterProgress) => void,
  ) {
    const mirrors = 'fetch' in fetchers ? [fetchers] : fetchers;
    if (mirrors.length === 0) throw new RangeError('a repository needs at least one fetcher');
    this.mirrors = mirrors;
    this.onProgress = onProgress;
  }

  /**
   * The verdict on the first mirror's bytes that `verify` accepts. "No such file" is believed when no mirror has it.
   * @throws of all the mirrors' errors the one that tells most: refused metadata, then not found, then unreachable
   */
  async fetch<T>(wanted: Wanted, verify: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const errors: TufError[] = [];
    for (const mirror of this.mirrors) {
      try {
        const verdict = await this.ask(mirror, wanted, verify);
        // Who was right is asked first from now on.
        if (errors.some((error) => !(error instanceof NotFoundError)))
          this.mirrors = [mirror, ...this.mirrors.filter((other) => other !== mirror)];
        return verdict;
      } catch (error) {
        wanted.signal?.throwIfAborted();
        if (!(error instanceof TufError)) throw error;
        errors.push(error);
      }
    }
    throw mostTelling(errors);
  }

  private async ask<T>(
    mirror: MetadataFetcher,
    { path, maxLength, expected, signal }: Wanted,
    verify: (bytes: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const tell = (received: number, verified: boolean): void =>
      this.onProgress?.({ path, received, expected, verified });
    const bytes = await mirror.fetch(path, { maxLength, signal, onReceived: (received) => tell(received, false) });
    const verdict = await verify(bytes);
    tell(bytes.length, true);
    return verdict;
  }
}

function mostTelling(errors: readonly TufError[]): TufError {
  const refused = errors.find((error) => !(error instanceof NotFoundError || error instanceof NetworkError));
  const absent = errors.find((error) => error instanceof NotFoundError);
  return refused ?? absent ?? errors[0] ?? new FormatError('mirrors', 'there are none');
}
