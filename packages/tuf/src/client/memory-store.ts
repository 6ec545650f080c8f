import type { MetadataStore } from './ports.ts';

/** Keeps metadata for as long as the process lives. Rollback protection then begins anew with each start. */
export class MemoryMetadataStore implements MetadataStore {
  private readonly files = new Map<string, Uint8Array>();
  private tail: Promise<unknown> = Promise.resolve();

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name);
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, bytes.slice());
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  lock<T>(fn: () => Promise<T>): Promise<T> {
    const result = this.tail.then(fn);
    this.tail = result.catch(() => undefined); // the caller gets the error; the next in line must not
    return result;
  }
}
