import { setImmediate } from 'node:timers/promises';
import { endsRange, FeedError, type FeedRange, MAX_LEVEL, mergedParts, sweptAfter } from '@holdfast/trust';
import type { Logger } from 'pino';
import { ObjectTooLargeError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { newestPublication } from '../publish/newest-publication.ts';
import type { Records } from '../records/records.ts';
import { deleteChunk, putChunk, storedFeed } from './feed-objects.ts';
import { feedProgress, forgetFeed, noteMerged } from './feed-table.ts';

export interface FeedParts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly logger: Logger;
}

/**
 * Makes the chunks of longer ranges when these are complete, and removes those that nobody asks for any more. Whatever a crash left
 * undone is done at the next turn: the chunks are the same whenever they are made.
 */
export async function mergeFeed({ records, objects, logger }: FeedParts, stop?: AbortSignal): Promise<void> {
  const progress = await feedProgress(records);
  if (!progress) return;
  const { id: newest } = await newestPublication(records);
  const { begins } = progress;
  try {
    for (let last = progress.merged + 1; last <= newest; last++) {
      stop?.throwIfAborted();
      if (!endsRange(1, last)) continue;
      for (let level = 1; level <= MAX_LEVEL && endsRange(level, last); level++)
        await merge(objects, { level, last }, stop);
      await noteMerged(records, { begins, merged: last });
    }
  } catch (error) {
    if (!(error instanceof FeedError || error instanceof ObjectTooLargeError)) throw error;
    // What is lost cannot be made again: the records keep no history.
    logger.error({ err: error }, 'the change feed is damaged; it begins anew with the next publication');
    await forgetFeed(records, begins);
  }
}

async function merge(objects: ObjectStore, range: FeedRange, stop: AbortSignal | undefined): Promise<void> {
  const pause = async (): Promise<void> => {
    await setImmediate();
    stop?.throwIfAborted();
  };
  await putChunk(objects, range, mergedParts(storedFeed(objects), range, { pause }));
  for (const old of sweptAfter(range)) await deleteChunk(objects, old);
}

/** Merges in the background, beside the publications. */
export class FeedMerger {
  readonly #parts: FeedParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #again = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** This version is published. Merging waits for 16, so as to be seldom in the way; until then followers read more chunks. */
  published(version: number): void {
    if (endsRange(2, version)) this.wake();
  }

  /** Looks for what is to be done. */
  wake(): void {
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#stop.signal.aborted) {
        this.#again = false;
        await mergeFeed(this.#parts, this.#stop.signal);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted)
        this.#parts.logger.error({ err: error }, 'the change feed could not be merged; it is tried again');
    } finally {
      this.#running = undefined;
    }
  }
}
