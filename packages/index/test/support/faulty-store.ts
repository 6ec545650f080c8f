import { createHash } from 'node:crypto';
import { parseTimestamp } from '@holdfast/tuf';
import { DirectoryStore } from '../../src/objects/directory-store.ts';
import type { ObjectStore, PutOptions, TaggedObject } from '../../src/objects/object-store.ts';

/** `before`: nothing was stored. `after`: it was, but the answer was lost. `lie`: it was not, and it is said that it was. */
export type Fault = 'before' | 'after' | 'lie';

/**
 * An object store that fails when it is told to, and remembers what stood under each version of the metadata: a second
 * content of one version is a complaint.
 */
export class FaultyStore implements ObjectStore {
  readonly complaints: string[] = [];
  /** Metadata objects that were to be put since the last `failAt`. */
  puts = 0;
  onPut: (key: string) => void = () => {};
  /** Reads of metadata show what stood there before the last put, as a cache that is behind does. */
  stale = false;
  readonly #before = new Map<string, TaggedObject | undefined>();
  readonly #inner: ObjectStore;
  readonly #seen = new Map<string, string>();
  #fails: (put: number) => Fault | undefined = () => undefined;
  #error: () => Error = () => new Error('the disk is gone');

  private constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  static async open(directory: string): Promise<FaultyStore> {
    return new FaultyStore(await DirectoryStore.open(directory));
  }

  /** Which of the next puts of metadata fail, counted from 1. */
  fail(fails: (put: number) => Fault | undefined, error = () => new Error('the disk is gone')): void {
    this.puts = 0;
    this.#fails = fails;
    this.#error = error;
  }

  async put(
    key: string,
    source: Uint8Array | { readonly file: string },
    options?: PutOptions,
  ): Promise<'stored' | 'exists'> {
    if (!key.startsWith('metadata/')) return this.#inner.put(key, source, options);
    const fault = this.#fails(++this.puts);
    if (fault === 'before') throw this.#error();
    if (fault === 'lie') return 'stored';
    const before = await this.#inner.read(key, { maxLength: Number.MAX_SAFE_INTEGER });
    const outcome = await this.#inner.put(key, source, options);
    if (source instanceof Uint8Array && outcome === 'stored') {
      this.#remember(key, source);
      this.#before.set(key, before);
    }
    if (fault === 'after') throw this.#error();
    this.onPut(key);
    return outcome;
  }

  #remember(key: string, bytes: Uint8Array): void {
    const version = key.endsWith('/timestamp.json') ? parseTimestamp(bytes).signed.version : '';
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const before = this.#seen.get(`${key} ${version}`);
    if (before !== undefined && before !== sha256) this.complaints.push(`${key} ${version} has two contents`);
    this.#seen.set(`${key} ${version}`, sha256);
  }

  async get(key: string, options: { readonly maxLength: number }): ReturnType<ObjectStore['get']> {
    return (await this.read(key, options))?.bytes;
  }
  async read(key: string, options: { readonly maxLength: number }): ReturnType<ObjectStore['read']> {
    return this.stale && this.#before.has(key) ? this.#before.get(key) : this.#inner.read(key, options);
  }
  open(key: string): ReturnType<ObjectStore['open']> {
    return this.#inner.open(key);
  }
  delete(key: string): Promise<void> {
    return this.#inner.delete(key);
  }
  list(prefix: string): AsyncIterable<string> {
    return this.#inner.list(prefix);
  }
  incoming(): ReturnType<ObjectStore['incoming']> {
    return this.#inner.incoming();
  }
}
