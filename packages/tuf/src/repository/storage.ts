/**
 * Where a repository keeps its files. Paths are relative, with segments between slashes that are never empty, `.` or `..`:
 * `metadata/1.root.json`, `targets/a/HASH.file.txt`, and `state/…` for what is not for clients. A web server that offers
 * `metadata/` and `targets/` as they are makes a repository of it.
 */
export interface RepositoryStorage {
  /** The whole file; `undefined` if there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Makes a file that is not there; of an existing one nothing changes. Whole and durable when it resolves, and after a
   * crash at any moment whole or absent.
   */
  create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** Readers, and a crash at any moment, find the old bytes or the new ones, never a part. Durable when it resolves. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Fine if there is nothing. */
  remove(path: string): Promise<void>;
  /** Paths of all files below a folder such as `metadata`, in any order. */
  list(folder: string): Promise<readonly string[]>;
  /**
   * Runs `fn` while nobody else does so on the same storage. Must end by itself when its holder dies.
   * @throws LockTimeoutError or the like when it cannot be had
   */
  lock<T>(fn: () => Promise<T>): Promise<T>;
}
