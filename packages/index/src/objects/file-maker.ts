import { Worker } from 'node:worker_threads';
import { StorageFullError } from '../errors.ts';
import { occupied } from './put-many.ts';

/** A file that is to be made: its bytes are written elsewhere on the file system first, so that nobody sees half of it. */
export interface FileToMake {
  readonly key: string;
  readonly path: string;
  readonly temporary: string;
  readonly bytes: Uint8Array;
}

export interface FileMakerRequest {
  readonly id: number;
  /** Of the file system that all of them are in. */
  readonly directory: string;
  readonly files: readonly FileToMake[];
}

export interface FileMakerReply {
  readonly id: number;
  readonly failure?: { readonly key: string; readonly code: string | undefined; readonly message: string };
}

const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? './file-maker-thread.ts' : './file-maker-thread.js',
  import.meta.url,
);

/** Makes many files in a thread of its own, which begins with the first and keeps no process alive. */
export class FileMaker {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #nextId = 0;

  /** Resolves when all are durable. @throws DamagedIndexError when one of them is there */
  async make(directory: string, files: readonly FileToMake[]): Promise<void> {
    const worker = (this.#worker ??= this.#start());
    const waiter = Promise.withResolvers<void>();
    const id = this.#nextId++;
    this.#waiting.set(id, waiter);
    worker.ref();
    worker.postMessage({ id, directory, files } satisfies FileMakerRequest);
    await waiter.promise;
  }

  #start(): Worker {
    const worker = new Worker(THREAD);
    worker.on('message', ({ id, failure }: FileMakerReply) => {
      const waiter = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (failure) waiter?.reject(failureOf(failure));
      else waiter?.resolve();
    });
    worker.on('error', (error) => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
    return worker;
  }
}

function failureOf({ key, code, message }: NonNullable<FileMakerReply['failure']>): Error {
  if (code === 'EEXIST') return occupied(key);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageFullError({ cause: new Error(message) });
  return new Error(message);
}
