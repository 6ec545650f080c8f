import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PythonIndexError, readLegacyDistribution } from '@holdfast/python-index';
import type { ObjectStore } from '../objects/object-store.ts';
import { Spool } from '../upload/spool.ts';
import type { ImportSource, SourceItem } from './entry.ts';
import { ordered } from './ordered.ts';
import { isStored, sha256Of, storeFile } from './store-file.ts';

/** What a directory is imported into. */
export interface DirectoryTarget {
  readonly objects: ObjectStore;
  /** The hash of the file that has this name here, or had it. */
  readonly sha256Of: (filename: string) => Promise<string | undefined>;
}

/** Files that are looked into at a time. */
const PARALLEL = 4;
const READ_BYTES = 1 << 20;
/** Bytes of one file: more than any distribution has. */
export const MAX_FILE_BYTES = 16 * 2 ** 30;

/**
 * The distribution files below a directory. Each is looked into as an upload is, and copied into the object store. Names
 * of before PEP 625 are taken as they are.
 */
export function directorySource(directory: string, index: DirectoryTarget): ImportSource {
  const root = resolve(directory);
  let total: number | undefined;
  let done = 0;
  async function* items(cursor: string | undefined): AsyncGenerator<SourceItem> {
    const paths = await distributionsBelow(root);
    total = paths.length;
    const left = cursor === undefined ? paths : paths.filter((path) => path > cursor);
    done = paths.length - left.length;
    for await (const item of ordered(left, PARALLEL, (path) => itemOf(root, path, index))) {
      done += 1;
      yield item;
    }
  }
  return {
    id: `directory:${root}`,
    costly: true,
    share: () => (total === undefined ? undefined : done / Math.max(1, total)),
    items,
  };
}

/** Relative paths in the order of their code units, which is the same at every run. Links are not followed. */
async function distributionsBelow(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile() && isDistribution(entry.name)) found.push(path);
    }
  };
  await walk('');
  return found.sort();
}

/** What is something else in a directory of packages, such as pages and signatures, is not worth a word. */
function isDistribution(name: string): boolean {
  return /\.(whl|tar\.gz|tgz|zip|tar\.bz2|egg)$/.test(name);
}

async function itemOf(root: string, path: string, index: DirectoryTarget): Promise<SourceItem> {
  const handle = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, mtime } = await handle.stat();
    if (size > MAX_FILE_BYTES) return { problem: { item: path, reason: 'it is too large' }, cursor: path };
    return { entry: await takeIn(handle, path, mtime, index), cursor: path };
  } catch (error) {
    if (!(error instanceof PythonIndexError)) throw error;
    return { problem: { item: path, reason: error.message }, cursor: path };
  } finally {
    await handle.close();
  }
}

/** From a copy: what was looked into is what is stored, whatever happens to the file meanwhile. */
async function takeIn(
  handle: FileHandle,
  path: string,
  uploadTime: Date,
  { objects, sha256Of: known }: DirectoryTarget,
): Promise<NonNullable<SourceItem['entry']>> {
  const spool = new Spool(() => objects.incoming());
  try {
    const sha256 = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: READ_BYTES })) {
      sha256.update(chunk as Buffer);
      await spool.append(chunk as Buffer);
    }
    const filename = path.slice(path.lastIndexOf('/') + 1);
    const { name, fields, metadata } = await readLegacyDistribution(spool, filename);
    const entry = {
      project: name.project,
      displayName: fields.name,
      filename,
      version: name.version,
      kind: name.kind,
      sha256: sha256.digest('hex'),
      size: spool.size,
      requiresPython: fields.requiresPython,
      uploadTime,
      coreMetadata: name.kind === 'wheel' ? { sha256: sha256Of(metadata), size: metadata.length } : undefined,
    };
    const before = await known(filename);
    // A name that other bytes have adds nothing: loading says so.
    if (before !== undefined && (before !== entry.sha256 || (await isStored(objects, entry)))) return entry;
    await storeFile(objects, entry, spool, name.kind === 'wheel' ? metadata : undefined);
    return entry;
  } finally {
    await spool.discard();
  }
}
