import { ArchiveFramingError, ArchivePathError } from '../../errors.ts';
import { type ArchiveLimits, checkEntries } from '../limits.ts';
import { BlockReader } from './block-reader.ts';
import { BLOCK, type TarHeader, decodeName, parseHeader } from './header.ts';
import { type Overrides, parsePax } from './pax.ts';

/** One entry of a tar archive, extended headers applied. */
export interface TarEntry {
  /** Without the `/` that ends a directory's name. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly linkPath: string;
  readonly size: number;
}

/** Most bytes of an extended header: paths have at most 1024. */
const MAX_EXTENSION = 64 * 1024;

const KINDS = new Map<string, TarEntry['kind']>([
  ['0', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['5', 'directory'],
]);

/**
 * Walks a tar archive (ustar, pax, GNU long names) to its very end.
 * `visit` gets every entry and a function that reads its content; what it leaves is skipped.
 * @throws ArchiveFramingError, ArchivePathError, ArchiveLimitError
 */
export async function walkTar(
  pieces: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
  visit: (entry: TarEntry, read: () => Promise<Uint8Array>) => Promise<void>,
): Promise<void> {
  const reader = new BlockReader(pieces);
  let overrides: Overrides = {};
  let headers = 0;
  try {
    for (let block = await reader.read(BLOCK); !isZero(block); block = await reader.read(BLOCK)) {
      // Extended headers count too: each costs a walk, and a million of them would name nothing.
      checkEntries(limits, ++headers);
      const header = parseHeader(block);
      const extension = await readExtension(reader, header);
      if (extension) {
        overrides = merge(overrides, extension);
        continue;
      }
      const entry = applyOverrides(header, overrides);
      overrides = {};
      let taken = 0;
      await visit(entry, async () => {
        taken = entry.size;
        return await reader.read(entry.size);
      });
      await reader.skip(padded(entry.size) - taken);
    }
    if (Object.keys(overrides).length > 0) throw new ArchiveFramingError('it ends after an extended header');
    await checkEnd(reader);
  } finally {
    await reader.close();
  }
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Two zero blocks end an archive; writers fill it up with more zeros. Anything else there is a second archive. */
async function checkEnd(reader: BlockReader): Promise<void> {
  if (!isZero(await reader.read(BLOCK))) throw new ArchiveFramingError('the end mark of the tar archive is cut');
  for (let piece = await reader.rest(); piece; piece = await reader.rest())
    if (!isZero(piece)) throw new ArchiveFramingError('other bytes follow the end of the tar archive');
}

/** Reads pax headers (`x`, `g`) and GNU long names (`L`, `K`). `undefined` when the header is an entry itself. */
async function readExtension(reader: BlockReader, header: TarHeader): Promise<Overrides | undefined> {
  if (!'xgLK'.includes(header.type)) return undefined;
  if (header.size > MAX_EXTENSION)
    throw new ArchiveFramingError(`an extended tar header is larger than ${MAX_EXTENSION} bytes`);
  const bytes = (await reader.read(padded(header.size))).subarray(0, header.size);
  if (header.type === 'x') return parsePax(bytes);
  if (header.type === 'g') {
    // Git writes a comment there. A path or size for every entry has no honest use.
    if (Object.keys(parsePax(bytes)).length > 0) throw new ArchiveFramingError('a global pax header renames entries');
    return {};
  }
  const zero = bytes.indexOf(0);
  const text = decodeName(zero < 0 ? bytes : bytes.subarray(0, zero));
  return header.type === 'L' ? { path: text } : { linkPath: text };
}

function merge(before: Overrides, next: Overrides): Overrides {
  for (const key of ['path', 'linkPath', 'size'] as const)
    if (before[key] !== undefined && next[key] !== undefined)
      throw new ArchiveFramingError('two extended headers say different things about one entry');
  return { ...before, ...next };
}

function applyOverrides(header: TarHeader, overrides: Overrides): TarEntry {
  const name = overrides.path ?? header.name;
  const kind = KINDS.get(header.type);
  if (!kind)
    throw new ArchivePathError(
      name,
      `it is of type ${JSON.stringify(header.type)}: devices, pipes and sparse files are not accepted`,
    );
  const size = overrides.size ?? header.size;
  if (kind !== 'file' && size !== 0) throw new ArchivePathError(name, `it is a ${kind} with content`);
  // Some readers take a file with a name like this for a directory.
  if (kind !== 'directory' && name.endsWith('/'))
    throw new ArchivePathError(name, `it is a ${kind} with the name of a directory`);
  const path = kind === 'directory' && name.endsWith('/') ? name.slice(0, -1) : name;
  return { path, kind, size, linkPath: overrides.linkPath ?? header.linkName };
}
