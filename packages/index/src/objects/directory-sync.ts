import { syncDirectory } from '@holdfast/tuf/node';

/**
 * Makes changes of directories durable. Callers that ask for the same directory while a sync of it runs share the next
 * one: a sync covers whatever was renamed before it began.
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  sync(directory: string): Promise<void> {
    const joined = this.#next.get(directory);
    if (joined) return joined;
    const running = this.#running.get(directory);
    if (!running) return this.#start(directory);
    const next = running.then(
      () => this.#startNext(directory),
      () => this.#startNext(directory),
    );
    this.#next.set(directory, next);
    return next;
  }

  #startNext(directory: string): Promise<void> {
    this.#next.delete(directory);
    return this.#start(directory);
  }

  #start(directory: string): Promise<void> {
    const sync = syncDirectory(directory).finally(() => {
      if (this.#running.get(directory) === sync) this.#running.delete(directory);
    });
    this.#running.set(directory, sync);
    return sync;
  }
}
