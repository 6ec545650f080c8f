import type { RepositoryStorage } from './storage.ts';

/** A repository for as long as the process lives. */
export class MemoryRepositoryStorage implements RepositoryStorage {
  private readonly files = new Map<string, Uint8Array>();
  private tail: Promise<unknown> = Promise.resolve();

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.files.get(path);
  }

  async create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    if (this.files.has(path)) return 'exists';
    this.files.set(path, bytes.slice());
    return 'created';
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, bytes.slice());
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path);
  }

  async list(folder: string): Promise<readonly string[]> {
    return [...this.files.keys()].filter((path) => path.startsWith(`${folder}/`));
  }

  lock<T>(fn: () => Promise<T>): Promise<T> {
    const result = this.tail.then(fn);
    this.tail = result.catch(() => undefined); // the caller gets the error; the next in line must not
    return result;
  }
}
