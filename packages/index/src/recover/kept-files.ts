import { hash } from 'node:crypto';
import { bytesSource, normalizeName, type ProjectName, readLegacyDistribution } from '@holdfast/python-index';
import { KeptFileError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { objectKeyOf } from '../publish/file-rows.ts';
import type { Worktable } from './worktable.ts';

/** A file that operators checked, as its own bytes describe it: nothing of it is taken from records that a thief could write. */
export interface KeptFile {
  readonly project: ProjectName;
  readonly displayName: string;
  readonly filename: string;
  readonly version: string;
  readonly kind: 'wheel' | 'sdist';
  readonly sha256: string;
  readonly size: number;
  readonly requiresPython: string | undefined;
  readonly metadata: Uint8Array | undefined;
  /** Who brought it, and when, as the index says. */
  readonly account: string | undefined;
  readonly uploadedAt: number | undefined;
}

/** Reads the files of a list. @throws KeptFileError for one that the index does not have with these bytes, or that is no distribution */
export async function readKeptFiles(
  objects: ObjectStore,
  table: Worktable,
  keep: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, KeptFile>> {
  const files = new Map<string, KeptFile>();
  for (const [filename, sha256] of keep) files.set(filename, await readKept(objects, table, filename, sha256));
  return files;
}

async function readKept(objects: ObjectStore, table: Worktable, filename: string, sha256: string): Promise<KeptFile> {
  const row = table.saidFile(filename);
  if (row?.['state'] !== 'published' || row['sha256'] !== sha256)
    throw new KeptFileError(filename, 'the index publishes no such file with this hash');
  try {
    const project = normalizeName(String(row['project']));
    const bytes = await objects.get(objectKeyOf({ project, filename, sha256 }), { maxLength: Number.MAX_SAFE_INTEGER });
    if (!bytes || hash('sha256', bytes) !== sha256) throw new KeptFileError(filename, 'its bytes are others');
    const { name, fields, metadata } = await readLegacyDistribution(bytesSource(bytes), filename);
    if (name.project !== project) throw new KeptFileError(filename, `it is of ${name.project}, not of ${project}`);
    const [account, uploadedAt] = [row['account'], row['uploaded_at']];
    return {
      project,
      displayName: fields.name,
      filename,
      version: name.version,
      kind: name.kind,
      sha256,
      size: bytes.length,
      requiresPython: fields.requiresPython,
      metadata: name.kind === 'wheel' ? metadata : undefined,
      account: typeof account === 'string' ? account : undefined,
      uploadedAt: typeof uploadedAt === 'number' ? uploadedAt : undefined,
    };
  } catch (cause) {
    if (cause instanceof KeptFileError) throw cause;
    throw new KeptFileError(filename, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
