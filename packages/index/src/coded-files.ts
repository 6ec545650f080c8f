import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, type ZstdOptions } from 'node:zlib';
import { type RoleEntry, uncoded } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from './byte-lru.ts';
import { windowLog } from './deltas.ts';

/** Bytes of coded files that are kept in memory: at 20 million files, of all projects that are asked for more than once in a while. */
const KEPT_BYTES = 64 << 20;
/** What one of them costs beside its bytes, with its key. */
const COST = 400;
/** Bytes of text. So much takes 0.2 ms, which is about what it takes to hand it to another thread and back. */
const SMALL = 32 * 1024;
/** Higher ones make a thousandth less, in twice the time; 3 takes a third of the time and makes a twentieth more. */
const LEVEL = 6;
/** Of the tables at that level. */
const LEVEL_TABLE_LOG = 19;

/** One version of a role. */
export type RoleVersion = Omit<RoleEntry, 'length'>;

/** A version of a role, and how to get its file. */
interface Source extends RoleVersion {
  read(): Promise<Uint8Array | undefined>;
}

/**
 * Role files as lookups carry them (docs/formats/lookup.md, "Coded files"). Each is coded once, whatever snapshots list it: a publication
 * changes the root and few of the roles.
 */
export class CodedFiles {
  readonly #kept = new ByteLru<Uint8Array>(KEPT_BYTES);
  readonly #making = new Map<string, Promise<Uint8Array | undefined>>();

  get counts(): CacheCounts {
    return this.#kept.counts;
  }

  /**
   * @param base another file that the reader will have; without it the file is coded by itself
   * @returns `undefined` when one of the two is not there
   */
  get(file: Source, base: Source | undefined): Uint8Array | Promise<Uint8Array | undefined> {
    const key = base ? `${shortName(file)}-${shortName(base)}` : shortName(file);
    return this.#kept.get(key) ?? this.#making.get(key) ?? this.#make(key, file, base);
  }

  /** Those who ask for the same file at the same time wait for one. */
  #make(key: string, file: Source, base: Source | undefined): Promise<Uint8Array | undefined> {
    const making = coded(file, base)
      .then((bytes) => {
        if (bytes) this.#kept.set(key, bytes, bytes.length + COST);
        return bytes;
      })
      .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }
}

/** A version of a role has one content. Long keys take longer to find than all else that an answer needs. */
const shortName = ({ role, version, sha256 }: RoleVersion): string => `${role}.${version}.${sha256.slice(0, 8)}`;

const compress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

async function coded(file: Source, base: Source | undefined): Promise<Uint8Array | undefined> {
  const [bytes, other] = await Promise.all([file.read(), base?.read()]);
  if (!bytes || (base && !other)) return undefined;
  const { head, text, dictionary } = uncoded(bytes, other);
  const both = dictionary.length + text.length;
  const window = windowLog(both);
  // Window and tables reach over all of the dictionary: the level's own miss most of one that is longer than a megabyte.
  const table = Math.max(window - 2, LEVEL_TABLE_LOG);
  const options: ZstdOptions = {
    dictionary,
    pledgedSrcSize: text.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_windowLog]: window,
      ...(table > LEVEL_TABLE_LOG && { [constants.ZSTD_c_hashLog]: table, [constants.ZSTD_c_chainLog]: table }),
    },
  };
  const frame = both <= SMALL ? zstdCompressSync(text, options) : await compress(text, options);
  const result = new Uint8Array(head.length + frame.length);
  result.set(head);
  result.set(frame, head.length);
  return result;
}
