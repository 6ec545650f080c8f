import { link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkServable } from '../repository/layout.ts';
import type { RepositoryStorage } from '../repository/storage.ts';
import { absentAsUndefined, sweepTemporaries, syncDirectory, temporaryPath, writeFileAtomic } from './atomic-file.ts';
import { type LockOptions, withFileLock } from './file-lock.ts';

/**
 * A repository as files below one directory: let a web server offer `metadata/` and `targets/`, and nothing else. Several
 * processes may share it; the lock is released by the kernel when its holder dies.
 */
export class DirectoryStorage implements RepositoryStorage {
  private readonly directory: string;
  private readonly state: string;
  private readonly lockOptions: LockOptions;
  private ready: Promise<void> | undefined;

  /** The directory is made by the first write. `options` say how long to wait for another process. */
  constructor(directory: string, options: LockOptions = {}) {
    this.directory = directory;
    this.state = join(directory, 'state');
    this.lockOptions = options;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return readFile(this.path(path)).catch(absentAsUndefined);
  }

  async create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const target = this.path(path);
    await this.makeDirectory(dirname(target));
    await this.makeDirectory(this.state);
    const temporary = temporaryPath(this.state);
    try {
      await writeSynced(temporary, bytes);
      await link(temporary, target); // unlike rename, it never replaces
      return 'created';
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return 'exists';
      throw error;
    } finally {
      await unlink(temporary).catch(absentAsUndefined);
      // Also where the file was there before: whoever made it may not have got this far.
      await syncDirectory(dirname(target));
    }
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const target = this.path(path);
    await this.makeDirectory(dirname(target));
    await writeFileAtomic(target, bytes);
  }

  async remove(path: string): Promise<void> {
    const target = this.path(path);
    await unlink(target).catch(absentAsUndefined);
    await syncDirectory(dirname(target)).catch(absentAsUndefined);
  }

  async list(folder: string): Promise<readonly string[]> {
    const entries = await readdir(this.path(folder), { withFileTypes: true }).catch(absentAsUndefined);
    const paths: string[] = [];
    for (const entry of entries ?? []) {
      if (entry.isFile()) paths.push(`${folder}/${entry.name}`);
      else if (entry.isDirectory()) paths.push(...(await this.list(`${folder}/${entry.name}`)));
    }
    return paths;
  }

  async lock<T>(fn: () => Promise<T>): Promise<T> {
    await this.makeDirectory(this.state);
    return withFileLock(join(this.state, 'lock'), () => this.swept().then(fn), this.lockOptions);
  }

  /** Once per storage: what dead writers left behind is gone. */
  private swept(): Promise<void> {
    this.ready ??= (async () => {
      await sweepTemporaries(this.state);
      await sweepTemporaries(join(this.directory, 'metadata')).catch(absentAsUndefined);
    })();
    return this.ready;
  }

  private path(path: string): string {
    checkServable('path', path);
    return join(this.directory, ...path.split('/'));
  }

  /** Every parent that got a new entry is forced to disk. */
  private async makeDirectory(directory: string): Promise<void> {
    const first = await mkdir(directory, { recursive: true });
    if (first === undefined) return;
    for (let path = directory; path.length >= first.length; path = dirname(path)) await syncDirectory(dirname(path));
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
