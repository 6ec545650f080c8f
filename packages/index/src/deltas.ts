import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, type ZstdOptions } from 'node:zlib';
import { ByteLru } from './byte-lru.ts';
import { exactly } from './exactly.ts';
import { DICTIONARIES } from './publish/sweep.ts';
import type { Records } from './records/records.ts';

/** A replaced version of a role, which an asker may hold. */
export interface Dictionary {
  readonly version: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Bytes of names of dictionaries, and of deltas, that are kept in memory. */
const NAMES_BYTES = 8 << 20;
const DELTA_BYTES = 16 << 20;
/** What a list of dictionaries costs in memory: by itself, and for each. */
const LIST_BYTES = 400;
const NAME_BYTES = 250;
/** What a delta costs beside its bytes, with its key. */
const DELTA_COST = 400;
/** Bytes of both versions. A delta of so much takes half a millisecond: less than to hand it to another thread and back. */
const SMALL = 64 * 1024;

/**
 * Deltas between versions of a role. What an asker says that it holds costs at most one query a role, whatever it says: which versions a
 * role had does not change any more once it is replaced.
 */
export class Deltas {
  readonly #records: Pick<Records, 'read'>;
  readonly #names = new ByteLru<readonly Dictionary[]>(NAMES_BYTES);
  readonly #deltas = new ByteLru<Uint8Array>(DELTA_BYTES);
  #large: Promise<unknown> = Promise.resolve();

  constructor(records: Pick<Records, 'read'>) {
    this.#records = records;
  }

  /** The newest version before `version` that the asker holds and the index may still have. */
  async dictionary(role: string, version: number, holds: (sha256: string) => boolean): Promise<Dictionary | undefined> {
    const key = `${version}.${role}`;
    let names = this.#names.get(key);
    if (names === undefined) {
      names = await this.#replaced(role, version);
      this.#names.set(key, names, LIST_BYTES + names.length * NAME_BYTES);
    }
    return names.find(({ sha256 }) => holds(sha256));
  }

  /**
   * One zstd frame that makes `version` of the dictionary, for plain files (docs/formats/transfer.md).
   * @param read the bytes of a version; `undefined` when the index does not have them any more
   * @returns `undefined` when there is none, or it saves too little
   */
  async delta(
    role: string,
    version: number,
    dictionary: Dictionary,
    read: (version: number) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const key = `${dictionary.version}-${version}.${role}`;
    const make = async (): Promise<Uint8Array | undefined> => {
      const kept = this.#deltas.get(key);
      if (kept) return kept;
      const [before, after] = await Promise.all([read(dictionary.version), read(version)]);
      if (!before || !after || after.length > windowLimit(before)) return undefined;
      const delta = await zstdDelta(before, after);
      // A whole one is compressed in transfer, to about half.
      if (delta.length * 2 > after.length) return undefined;
      this.#deltas.set(key, delta, delta.length + DELTA_COST);
      return delta;
    };
    return role === 'snapshot' ? this.#oneByOne(make) : make();
  }

  /** A flat snapshot may be 50 MB, and a delta of it takes 300 MB while it is made; those who come in between find it made. */
  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#large.then(work);
    this.#large = result.catch(() => {});
    return result;
  }

  #replaced(role: string, version: number): Promise<readonly Dictionary[]> {
    return this.#records.read
      .selectFrom('replaced')
      .select(['version', 'sha256'])
      .where('role', '=', role)
      .where('version', '<', version)
      .where('sha256', '<>', '')
      .orderBy('version', 'desc')
      .limit(DICTIONARIES)
      .execute();
  }
}

/** RFC 9842 §5: the largest window, here the length of what is sent, that everyone who has the dictionary can decode. */
const windowLimit = (dictionary: Uint8Array): number => Math.max(8 << 20, dictionary.length * 1.25);

const compress = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

/**
 * Level 9 takes 1 ms for 200 kB. The window reaches over both files, and the tables over all of the dictionary: of one that is longer than
 * 8 bytes for each entry only the end is looked at, and at 4 almost nothing is missed.
 */
async function zstdDelta(before: Uint8Array, after: Uint8Array): Promise<Uint8Array> {
  const table = Math.ceil(Math.log2(before.length)) - 2;
  const options: ZstdOptions = {
    dictionary: before,
    pledgedSrcSize: after.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: 9,
      [constants.ZSTD_c_windowLog]: windowLog(before.length + after.length),
      ...(table > LEVEL_TABLE_LOG && { [constants.ZSTD_c_hashLog]: table, [constants.ZSTD_c_chainLog]: table }),
    },
  };
  const isSmall = before.length + after.length <= SMALL;
  return exactly(isSmall ? zstdCompressSync(after, options) : await compress(after, options));
}

/** For a frame that looks back over so many bytes. */
export function windowLog(length: number): number {
  return Math.min(Math.max(Math.ceil(Math.log2(length)), MIN_WINDOW_LOG), MAX_WINDOW_LOG);
}

const MIN_WINDOW_LOG = 10;
/** 64 MiB: the longest role, and the largest window that a reader grants. */
const MAX_WINDOW_LOG = 26;
/** Of the tables at level 9. */
const LEVEL_TABLE_LOG = 22;
