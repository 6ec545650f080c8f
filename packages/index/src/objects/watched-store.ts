import type { Watch } from '../watch.ts';
import type { IncomingFile, ManyObject, ObjectStore, OpenObject, PutOptions, TaggedObject } from './object-store.ts';
import { putMany } from './put-many.ts';

/** An object store whose calls are watched. Of a stream, that it was opened: how fast it is read is up to the reader. */
export class WatchedStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #watch: Watch;

  constructor(inner: ObjectStore, watch: Watch) {
    this.#inner = inner;
    this.#watch = watch;
  }

  put(key: string, source: Uint8Array | { readonly file: string }, options?: PutOptions): Promise<'stored' | 'exists'> {
    return this.#watch({ part: 'objects', operation: 'put' }, () => this.#inner.put(key, source, options));
  }

  putMany(objects: readonly ManyObject[]): Promise<void> {
    return this.#watch({ part: 'objects', operation: 'put-many' }, () => putMany(this.#inner, objects));
  }

  get(key: string, options: { readonly maxLength: number }): Promise<Uint8Array | undefined> {
    return this.#watch({ part: 'objects', operation: 'get' }, () => this.#inner.get(key, options));
  }

  read(key: string, options: { readonly maxLength: number }): Promise<TaggedObject | undefined> {
    return this.#watch({ part: 'objects', operation: 'get' }, () => this.#inner.read(key, options));
  }

  open(key: string): Promise<OpenObject | undefined> {
    return this.#watch({ part: 'objects', operation: 'open' }, () => this.#inner.open(key));
  }

  delete(key: string): Promise<void> {
    return this.#watch({ part: 'objects', operation: 'delete' }, () => this.#inner.delete(key));
  }

  list(prefix: string): AsyncIterable<string> {
    return this.#inner.list(prefix);
  }

  incoming(): Promise<IncomingFile> {
    return this.#inner.incoming();
  }
}
