import type { MetadataStore } from '../client/ports.ts';

const FILES = 'files';

/**
 * Keeps metadata in IndexedDB, which all tabs and workers of one origin share: bytes by name, written durably before
 * {@link write} resolves. The browser releases the lock when the tab that holds it is closed or dies. Other scripts of
 * the origin can change what is kept, which an updater verifies whenever it reads; they can also take rollback
 * protection away by deleting it.
 */
export class IndexedDbMetadataStore implements MetadataStore {
  private readonly name: string;
  private database: Promise<IDBDatabase> | undefined;

  /** @param name of the database and of the lock; one for each repository */
  constructor(name: string) {
    this.name = name;
  }

  /** The bytes kept under a name. @throws DOMException when the browser does not let this page keep data */
  async read(name: string): Promise<Uint8Array | undefined> {
    const found: unknown = await this.run('readonly', (files) => files.get(name));
    return found instanceof Uint8Array ? found : undefined;
  }

  /** Readers find the old bytes or the new ones, never a part. @throws DOMException, `QuotaExceededError` among them */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.run('readwrite', (files) => files.put(bytes.slice(), name)); // a view would be kept with all its buffer
  }

  /** Fine if there is nothing. @throws DOMException */
  async remove(name: string): Promise<void> {
    await this.run('readwrite', (files) => files.delete(name));
  }

  /** Runs `fn` while no other tab or worker does so on the same store. Not re-entrant. */
  async lock<T>(fn: () => Promise<T>): Promise<T> {
    return navigator.locks.request(this.name, fn);
  }

  private async run(mode: IDBTransactionMode, act: (files: IDBObjectStore) => IDBRequest): Promise<unknown> {
    const database = await this.open();
    const transaction = database.transaction(FILES, mode, { durability: 'strict' });
    const request = act(transaction.objectStore(FILES));
    await new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(transaction.error ?? request.error));
    });
    return request.result;
  }

  private open(): Promise<IDBDatabase> {
    this.database ??= this.connect().catch((error: unknown) => {
      this.database = undefined; // the next call tries again
      throw error;
    });
    return this.database;
  }

  private connect(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.addEventListener('upgradeneeded', () => request.result.createObjectStore(FILES));
      request.addEventListener('error', () => reject(request.error));
      request.addEventListener('success', () => {
        const database = request.result;
        const forget = (): void => {
          this.database = undefined;
          database.close();
        };
        // Somebody deletes the database, or the browser clears the origin's data: what follows opens a new one.
        database.addEventListener('versionchange', forget);
        database.addEventListener('close', forget);
        resolve(database);
      });
    });
  }
}
