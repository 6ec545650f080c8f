import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@holdfast/tuf/node';
import type { BuildRecord } from './build-record.ts';

const MOST_LOGS = 200;

/**
 * What failed builds said: one file for each try, named after the sdist. How much of it is kept follows from `supervise`; of the files, the
 * newest 200.
 */
export class BuildLogs {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @returns its path; `undefined` when nothing was said */
  async keep({ sdist, filename, attempts }: BuildRecord, log: string): Promise<string | undefined> {
    if (log === '') return undefined;
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const path = join(this.directory, `${filename}-${sdist.slice(0, 12)}-try-${attempts}.log`);
    await writeFileAtomic(path, Buffer.from(readable(log)));
    await this.#removeOldest();
    return path;
  }

  async #removeOldest(): Promise<void> {
    const paths = (await readdir(this.directory)).map((name) => join(this.directory, name));
    if (paths.length <= MOST_LOGS) return;
    const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
    const newestFirst = dated.toSorted((a, b) => b.at - a.at);
    await Promise.all(newestFirst.slice(MOST_LOGS).map(({ path }) => rm(path, { force: true })));
  }
}

/** Whoever wrote the sdist chose these words: they must not steer the terminal of whoever reads the file. */
const readable = (log: string): string => log.replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '\ufffd');
