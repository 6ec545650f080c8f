import { normalizeName, type ProjectName } from '@holdfast/python-index';
import type { ObjectStore } from '../objects/object-store.ts';
import { InvalidObjectKeyError } from '../errors.ts';
import { objectKeyOf } from '../publish/file-rows.ts';
import { roleKey } from '../publish/publications.ts';
import { inParallel } from './in-parallel.ts';
import type { KeptFile } from './kept-files.ts';
import type { Worktable } from './worktable.ts';

/**
 * Puts what others signed, and takes all other metadata away, which whoever had the keys may have made: in this order, since what is
 * there may be the only copy. The index signs the rest anew.
 */
export async function recoverMetadata(
  objects: ObjectStore,
  table: Worktable,
  roots: readonly Uint8Array[],
): Promise<void> {
  for (const [at, bytes] of roots.entries()) await objects.put(roleKey('root', at + 1), bytes);
  await inParallel(table.roles(), ({ role, version, bytes }) => objects.put(roleKey(role, version), bytes));
  for (const top of ['metadata/', 'feed/']) {
    await inParallel(objects.list(top), async (key) => {
      if (!isRecovered(key, table, roots.length)) await remove(objects, key);
    });
  }
}

function isRecovered(key: string, table: Worktable, roots: number): boolean {
  const [, number, versioned = ''] = /^metadata\/(\d+)\.(.+)\.json$/s.exec(key) ?? [];
  if (versioned === 'root')
    return Number(number) >= 1 && Number(number) <= roots && key === roleKey('root', Number(number));
  const role = number === undefined ? key.slice('metadata/'.length, -'.json'.length) : versioned;
  const known = table.role(role);
  return known !== undefined && key === roleKey(role, known.version);
}

/** Under a name that no index gives it stays, and nothing leads to it. */
async function remove(objects: ObjectStore, key: string): Promise<void> {
  try {
    await objects.delete(key);
  } catch (error) {
    if (!(error instanceof InvalidObjectKeyError)) throw error;
  }
}

/** What installers are to be told of a kept wheel is what is in it. */
export async function putCoreMetadata(objects: ObjectStore, file: KeptFile): Promise<void> {
  const project: ProjectName = normalizeName(file.project);
  if (file.metadata) await objects.put(`${objectKeyOf({ ...file, project })}.metadata`, file.metadata);
}
