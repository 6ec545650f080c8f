import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;

/**
 * Removes half-written files `<pid>-<random>` that nobody writes any more: their process is gone and they have not grown
 * for a minute (a process in another container looks gone too), or they are a day old.
 */
export async function sweepIncoming(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    try {
      const idle = Date.now() - (await stat(path)).mtimeMs;
      if (idle > DAY_MS || (idle > MINUTE_MS && !isAlive(Number(name.split('-', 1)[0]))))
        await rm(path, { force: true });
    } catch (error) {
      // Another process swept it, or finished with it, in the same moment.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
