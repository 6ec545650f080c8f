import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseTimestamp } from '@holdfast/tuf';

/**
 * Reads the published metadata all the time, as many clients would, and remembers the bytes of every version that it ever
 * saw. Two contents of one version, or a timestamp that goes back, are kept as complaints.
 */
export class VersionWatch {
  readonly complaints: string[] = [];
  readonly #metadata: string;
  readonly #seen = new Map<string, string>();
  #newest = 0;
  #watching = true;
  readonly #done: Promise<void>;

  constructor(directory: string) {
    this.#metadata = join(directory, 'objects', 'metadata');
    this.#done = this.#watch();
  }

  /** Looks at everything a last time. */
  async stop(): Promise<number> {
    this.#watching = false;
    await this.#done;
    await this.#look(true);
    return this.#seen.size;
  }

  /** After `stop`: compares what is there now. */
  lookAgain(): Promise<void> {
    return this.#look(true);
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      await this.#look(false);
      await wait(3); // A client asks again; it does not spin.
    }
  }

  async #look(everything: boolean): Promise<void> {
    const timestamp = await readFile(join(this.#metadata, 'timestamp.json'));
    const { version } = parseTimestamp(timestamp).signed;
    this.#compare(`${version}.timestamp.json`, timestamp);
    if (version < this.#newest) this.complaints.push(`timestamp went back from ${this.#newest} to ${version}`);
    this.#newest = Math.max(this.#newest, version);
    for (const name of await readdir(this.#metadata)) {
      if (name.startsWith('.')) continue; // A file that an S3 server is writing.
      if (name === 'timestamp.json' || (this.#seen.has(name) && !everything)) continue;
      this.#compare(name, await readFile(join(this.#metadata, name)));
    }
  }

  #compare(name: string, bytes: Uint8Array): void {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const before = this.#seen.get(name);
    if (before !== undefined && before !== sha256) this.complaints.push(`${name} has two contents`);
    this.#seen.set(name, sha256);
  }
}
