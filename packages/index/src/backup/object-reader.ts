import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectStore } from '../objects/object-store.ts';
import { hasCode } from '../objects/storage-failure.ts';

/** Of an object store, what a backup needs. */
export type ObjectReader = Pick<ObjectStore, 'open'>;

/** Objects in a directory that somebody else may be writing to: opening a whole store would sweep what is on its way in. */
export function fileObjects(directory: string): ObjectReader {
  return {
    async open(key) {
      const path = join(directory, key);
      const found = await stat(path).catch((error: unknown) => {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
        throw error;
      });
      if (!found?.isFile()) return undefined;
      return { size: found.size, stream: (range) => createReadStream(path, range ?? {}), close: () => {} };
    },
  };
}
