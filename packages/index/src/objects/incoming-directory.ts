import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { IncomingFile } from './object-store.ts';

/** A directory for the temporary files of one process. */
export class IncomingDirectory {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes it anew: what an earlier process left half-written is gone. Its parent is made when it is not there. */
  static async open(directory: string): Promise<IncomingDirectory> {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new IncomingDirectory(directory);
  }

  /** A path where nothing is yet. */
  path(): string {
    return join(this.#directory, randomBytes(16).toString('hex'));
  }

  file(): IncomingFile {
    const path = this.path();
    return { path, discard: () => rm(path, { force: true }) };
  }
}
