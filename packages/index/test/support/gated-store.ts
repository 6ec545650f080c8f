import type {
  IncomingFile,
  ObjectStore,
  OpenObject,
  PutOptions,
  TaggedObject,
} from '../../src/objects/object-store.ts';

/** An object store whose next put of a key waits until the test lets it through: a request that is under way for long. */
export class GatedStore implements ObjectStore {
  readonly #inner: ObjectStore;
  #gate: { readonly key: string; readonly reached: () => void; readonly open: Promise<void> } | undefined;

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  /** `reached` resolves when somebody puts the key; `open` lets that go on. */
  holdBack(key: string): { readonly reached: Promise<void>; readonly open: () => void } {
    const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#gate = { key, reached: reached.resolve, open: open.promise };
    return { reached: reached.promise, open: open.resolve };
  }

  async put(
    key: string,
    source: Uint8Array | { readonly file: string },
    options?: PutOptions,
  ): Promise<'stored' | 'exists'> {
    const gate = this.#gate?.key === key ? this.#gate : undefined;
    if (gate) {
      this.#gate = undefined;
      gate.reached();
      await gate.open;
    }
    return await this.#inner.put(key, source, options);
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
}
