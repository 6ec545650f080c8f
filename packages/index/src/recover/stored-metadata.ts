import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../objects/storage-failure.ts';

/** Metadata in an object store: also versions that the records do not have any more, or that somebody took out of them. */
export class StoredMetadata {
  readonly #paths = new Map<string, string[]>();

  constructor(directory: string) {
    const top = join(directory, 'objects', 'metadata');
    for (const entry of entriesOf(top)) {
      if (!entry.isFile() || !entry.name.endsWith('.json')) continue;
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(top.length + 1, -'.json'.length);
      const [, role = name] = /^\d+\.(.+)$/s.exec(name) ?? [];
      this.#paths.set(role, [...(this.#paths.get(role) ?? []), path]);
    }
  }

  /** All versions of a role, or the one rotate file. */
  kept(role: string): Uint8Array[] {
    return (this.#paths.get(role) ?? []).flatMap((path) => read(path) ?? []);
  }

  names(): Iterable<string> {
    return this.#paths.keys();
  }
}

/** Larger than any role. */
const MAX_BYTES = 64 << 20;

function read(path: string): Uint8Array | undefined {
  return statSync(path).size > MAX_BYTES ? undefined : readFileSync(path);
}

function entriesOf(top: string) {
  try {
    return readdirSync(top, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
