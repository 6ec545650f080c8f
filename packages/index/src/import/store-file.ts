import { createHash } from 'node:crypto';
import { consistentTargetPath, targetPath } from '@holdfast/trust';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Spool } from '../upload/spool.ts';
import type { ImportEntry } from './entry.ts';

/** Where the bytes of a file stand. */
export function targetKey({ project, filename, sha256 }: Pick<ImportEntry, 'project' | 'filename' | 'sha256'>): string {
  return `targets/${consistentTargetPath(targetPath(project, filename), sha256)}`;
}

/** Puts a file, and its metadata beside it, to where installers will fetch them. What is listed later is there. */
export async function storeFile(
  objects: ObjectStore,
  entry: ImportEntry,
  content: Spool,
  metadata: Uint8Array | undefined,
): Promise<void> {
  const key = targetKey(entry);
  if (metadata) await objects.put(`${key}.metadata`, metadata);
  await objects.put(key, await content.source());
}

/** Whether the bytes are here already. */
export async function isStored(objects: ObjectStore, entry: Parameters<typeof targetKey>[0]): Promise<boolean> {
  const object = await objects.open(targetKey(entry));
  object?.close();
  return object !== undefined;
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
