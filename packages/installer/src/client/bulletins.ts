import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bulletinIn } from '@holdfast/trust';
import { type MetadataStore, parseTargets, TufError } from '@holdfast/tuf';
import { writeFileAtomic } from '@holdfast/tuf/node';
import type { TrustedIndex } from '../trust/trusted-index.ts';
import type { Notice } from './notice.ts';

/** Shows what the operators of an index say in its newest verified targets: each bulletin once on this computer. */
export class Bulletins {
  readonly #index: TrustedIndex;
  readonly #metadata: MetadataStore;
  readonly #notify: (notice: Notice) => void;
  #looked = 0;

  constructor(index: TrustedIndex, metadata: MetadataStore, notify: (notice: Notice) => void) {
    this.#index = index;
    this.#metadata = metadata;
    this.#notify = notify;
  }

  /** Looks once for each state of the index, when its targets were verified. */
  async look(timestampVersion: number): Promise<void> {
    if (this.#looked === timestampVersion) return;
    this.#looked = timestampVersion;
    const bulletin = await this.#newest();
    if (bulletin === undefined) return;
    const path = join(this.#index.directory, 'bulletin');
    const shown = await readFile(path, 'utf8').catch(() => '');
    if (shown === bulletin.id) return;
    this.#notify({ kind: 'bulletin', index: this.#index.name, bulletin });
    await writeFileAtomic(path, new TextEncoder().encode(bulletin.id)).catch(() => {}); // It is then shown again.
  }

  async #newest() {
    const bytes = await this.#metadata.read('targets.json');
    try {
      return bytes && bulletinIn(parseTargets(bytes).signed);
    } catch (error) {
      if (error instanceof TufError) return undefined; // Damage of the store: the client fetches it again.
      throw error;
    }
  }
}
