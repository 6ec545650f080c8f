import { encodeJson } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { asInteger, asObject } from '../parse/fields.ts';
import { FormatError } from '../errors.ts';
import type { Current } from './current.ts';
import { parseRolePath } from './layout.ts';
import type { RepositoryStorage } from './storage.ts';

/** What a sweep did. */
export interface Swept {
  /** Paths of the files that are gone, sorted. */
  readonly removed: readonly string[];
  /** Superseded files whose time of grace has not passed. */
  readonly waiting: number;
}

/** When each superseded file was first found to be so, in milliseconds since 1970. */
const RETIRED_PATH = 'state/retired.json';

/**
 * A file that was not needed at some time is needed only by readers who had begun before. So a sweep notes what is not
 * needed now, and removes what an earlier sweep noted more than `grace` seconds ago. By the caller's clock alone: copies
 * and restored backups change the times of files, which makes nothing vanish early here.
 */
export async function sweepStorage(
  storage: RepositoryStorage,
  current: Current | undefined,
  now: Date,
  grace: number,
): Promise<Swept> {
  if (current === undefined) return { removed: [], waiting: 0 };
  current.checkWritable();
  const noted = await readNotes(storage);
  const waiting = new Map<string, number>();
  const removed: string[] = [];
  for (const path of await storage.list('metadata')) {
    if (isNeeded(path, current)) continue;
    const since = noted.get(path);
    if (since !== undefined && now.getTime() - since >= grace * 1000) removed.push(path);
    else waiting.set(path, since ?? now.getTime());
  }
  for (const path of removed) await storage.remove(path);
  // Last, so that a crash forgets nothing: what is gone is not listed the next time.
  await storage.replace(RETIRED_PATH, encodeJson(waiting));
  return { removed: removed.sort(), waiting: waiting.size };
}

function isNeeded(path: string, current: Current): boolean {
  const file = parseRolePath(path);
  // What is not ours to name is not ours to remove; clients walk all roots from the one that they came with (§5.3.3).
  if (file === undefined || file.role === 'root') return true;
  return current.version(file.role) === file.version;
}

async function readNotes(storage: RepositoryStorage): Promise<ReadonlyMap<string, number>> {
  const bytes = await storage.read(RETIRED_PATH);
  try {
    if (bytes === undefined) return new Map();
    const notes = asObject(parseJson(bytes), 'retired');
    return new Map(Array.from(notes, ([path, since]) => [path, asInteger(since, 0, path)]));
  } catch (error) {
    if (error instanceof FormatError) return new Map(); // damaged: the time of grace begins anew
    throw error;
  }
}
