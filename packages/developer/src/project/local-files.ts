import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  bytesSource,
  type DistributionFilename,
  parseDistributionFilename,
  type ProjectName,
  PythonIndexError,
  type RandomAccess,
  readDistributionMetadata,
} from '@holdfast/python-index';
import { hashStream } from './hash-stream.ts';
import { FileRefusedError } from '../errors.ts';

/** A wheel or sdist of this machine, looked into as the index will look into it. */
export interface LocalFile {
  readonly path: string;
  readonly filename: string;
  readonly name: DistributionFilename;
  /** The project's name as its METADATA spells it. */
  readonly displayName: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly requiresPython?: string;
  /** PEP 658: of wheels only, since an sdist's may change when it is built. */
  readonly coreMetadata?: { readonly sha256: string; readonly size: number };
}

/** Files that are held in memory as a whole while they are looked into. */
const MEMORY_BYTES = 4 << 20;

/**
 * Looks into the files of one release.
 * @throws FileRefusedError for the first that no index would take, or that is of another project than the first
 */
export async function inspectFiles(paths: readonly string[]): Promise<readonly LocalFile[]> {
  const files = await Promise.all(paths.map(inspectFile));
  const [first] = files;
  const names = new Map<string, LocalFile>();
  for (const file of files) {
    if (first && file.name.project !== first.name.project)
      throw new FileRefusedError(
        file.path,
        `it belongs to ${file.name.project}, the first one to ${first.name.project}: upload one project at a time`,
      );
    const other = names.get(file.filename);
    if (other && other.sha256 !== file.sha256)
      throw new FileRefusedError(file.path, `${other.path} has the same name and other content`);
    names.set(file.filename, file);
  }
  return [...names.values()];
}

/** @throws FileRefusedError, and what the file system throws */
export async function inspectFile(path: string): Promise<LocalFile> {
  const filename = basename(path);
  try {
    const name = parseDistributionFilename(filename);
    const handle = await open(path, 'r');
    try {
      return await inspectOpen(handle, { path, filename, name });
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof PythonIndexError) throw new FileRefusedError(path, cause.message, { cause });
    throw cause;
  }
}

type Named = Pick<LocalFile, 'path' | 'filename' | 'name'>;

async function inspectOpen(handle: FileHandle, named: Named): Promise<LocalFile> {
  const { size } = await handle.stat();
  const isSmall = size <= MEMORY_BYTES;
  const source = isSmall ? bytesSource(await handle.readFile()) : fileSource(handle, size);
  const whole = isSmall ? await source.read(0, source.size) : undefined;
  const sha256 = whole ? hash('sha256', whole, 'hex') : await hashStream(source);
  const { metadata, fields } = await readDistributionMetadata(source, named.filename);
  const { requiresPython } = fields;
  return {
    ...named,
    displayName: fields.name,
    sha256,
    size: source.size,
    ...(requiresPython !== undefined && { requiresPython }),
    ...(named.name.kind === 'wheel' && {
      coreMetadata: { sha256: hash('sha256', metadata, 'hex'), size: metadata.length },
    }),
  };
}

function fileSource(handle: FileHandle, size: number): RandomAccess {
  return {
    size,
    async read(offset, length) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
  };
}

/** The project of files that {@link inspectFiles} accepted. */
export function projectOfFiles(files: readonly LocalFile[]): ProjectName | undefined {
  return files[0]?.name.project;
}
