import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasCode } from '../objects/storage-failure.ts';

export interface FileBeyond {
  readonly path: string;
  readonly filename: string;
}

const OBJECT_NAME = /^([0-9a-f]{64})\.(.+)$/;

/**
 * Distributions among the objects of a directory that a records' file does not know: published after it was copied, and acknowledged.
 * One is looked at after the other, so that memory does not grow with them.
 */
export async function* filesBeyond(records: string, objects: string): AsyncGenerator<FileBeyond, void> {
  const database = new DatabaseSync(records, { readOnly: true });
  try {
    const known = database.prepare('select 1 from files where filename = ? and sha256 = ?');
    for await (const { name, path } of filesBelow(join(objects, 'targets'))) {
      const [, sha256, filename] = OBJECT_NAME.exec(name) ?? [];
      if (sha256 === undefined || filename === undefined || filename.endsWith('.metadata')) continue;
      if (known.get(filename, sha256) === undefined) yield { path, filename };
    }
  } finally {
    database.close();
  }
}

async function* filesBelow(directory: string): AsyncGenerator<{ readonly name: string; readonly path: string }, void> {
  const entries = await opendir(directory).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  for await (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield { name: entry.name, path };
  }
}
