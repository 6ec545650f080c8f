import { stat } from 'node:fs/promises';
import { ObjectStoreError } from '../errors.ts';
import type { IncomingFile, ObjectStore, OpenObject, PutOptions, TaggedObject } from './object-store.ts';

/** An object that is not kept is put this often in all. */
const ATTEMPTS = 3;

/**
 * Looks again for what was put, over a network where a service, or a cache before it, may acknowledge what it does not keep or
 * shows what stood there before: what signed metadata will lead to must be there before it does. Methods throw
 * `ObjectStoreError` when the object is still not there after several puts.
 */
export class VerifiedStore implements ObjectStore {
  readonly #inner: ObjectStore;

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  async put(
    key: string,
    source: Uint8Array | { readonly file: string },
    options: PutOptions = {},
  ): Promise<'stored' | 'exists'> {
    if (!(source instanceof Uint8Array)) return this.#putFile(key, source.file, options);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#putBytes(key, source, options);
      if (outcome === 'exists') return 'exists'; // The caller looks what it is.
      if (await this.#isKept(key, source, outcome.tag).catch(() => false)) return 'stored';
      if (attempt === ATTEMPTS)
        throw new ObjectStoreError(key, 'an object that was acknowledged and is not there', undefined);
    }
  }

  get(key: string, options: { readonly maxLength: number }): Promise<Uint8Array | undefined> {
    return this.#inner.get(key, options);
  }

  read(key: string, options: { readonly maxLength: number }): Promise<TaggedObject | undefined> {
    return this.#inner.read(key, options);
  }

  open(key: string): Promise<OpenObject | undefined> {
    return this.#inner.open(key);
  }

  delete(key: string): Promise<void> {
    return this.#inner.delete(key);
  }

  list(prefix: string): AsyncIterable<string> {
    return this.#inner.list(prefix);
  }

  incoming(): Promise<IncomingFile> {
    return this.#inner.incoming();
  }

  async #putBytes(key: string, bytes: Uint8Array, options: PutOptions): Promise<{ readonly tag: string } | 'exists'> {
    if (this.#inner.putTagged) return this.#inner.putTagged(key, bytes, options);
    return (await this.#inner.put(key, bytes, options)) === 'exists' ? 'exists' : { tag: '' };
  }

  /** Other bytes have another tag, so one that is the same as of what was put saves reading them. */
  async #isKept(key: string, bytes: Uint8Array, tag: string): Promise<boolean> {
    if (tag === '') {
      const kept = await this.#inner.get(key, { maxLength: bytes.length });
      return kept !== undefined && Buffer.compare(kept, bytes) === 0;
    }
    const kept = await this.#inner.open(key);
    kept?.close();
    return kept?.size === bytes.length && kept.tag === tag;
  }

  /** A file is gone after one attempt; its sender tries again. The service has compared its digest, so its size is enough. */
  async #putFile(key: string, file: string, options: PutOptions): Promise<'stored' | 'exists'> {
    const { size } = await stat(file);
    if ((await this.#inner.put(key, { file }, options)) === 'exists') return 'exists';
    const kept = await this.#inner.open(key);
    kept?.close();
    if (kept?.size === size) return 'stored';
    throw new ObjectStoreError(key, 'an object that was acknowledged and is not there', undefined);
  }
}
