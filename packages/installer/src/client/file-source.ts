import { AbsentError, MirrorsFailedError, OfflineMissingError, UnreachableError } from '../errors.ts';
import { type Expected, downloadVerified } from '../fetch/download.ts';
import type { Mirrors } from '../fetch/mirrors.ts';
import type { FileStore, VerifiedFile } from '../store/file-store.ts';
import { shareInFlight } from './share.ts';

/** Files by hash: from the store when it holds them undamaged, else from the first mirror that sends the right bytes. */
export class FileSource {
  readonly #mirrors: Mirrors;
  readonly #store: FileStore;
  readonly #downloads = shareInFlight<void>();

  constructor(mirrors: Mirrors, store: FileStore) {
    this.#mirrors = mirrors;
    this.#store = store;
  }

  /**
   * Opens a file that was verified completely just now. Concurrent requests for one file share one download.
   * @param path percent-encoded, below the mirror's root
   * @throws AbsentError, OfflineMissingError, WrongContentError, MisbehavedError, MirrorsFailedError
   */
  async open(path: string, expected: Expected): Promise<VerifiedFile> {
    // Twice: between the download and our opening another process may find the file damaged, and remove it.
    for (let attempt = 0; attempt < 2; attempt++) {
      const held = await this.#store.open(expected.sha256, expected.size);
      if (held) return held;
      await this.#downloads(expected.sha256, () => this.#download(path, expected));
    }
    throw new UnreachableError(path, 'the local store does not keep what is written to it');
  }

  async #download(path: string, expected: Expected): Promise<void> {
    try {
      await this.#mirrors.first((mirror) =>
        this.#store.add(expected.sha256, (into) => downloadVerified(mirror, path, expected, into)),
      );
    } catch (error) {
      if (error instanceof AbsentError) throw error;
      if (error instanceof UnreachableError)
        throw new OfflineMissingError(expected.subject, this.#mirrors.takeProblems(), error);
      if (this.#mirrors.size === 1) throw error;
      throw new MirrorsFailedError(expected.subject, this.#mirrors.takeProblems(), error);
    }
  }
}
