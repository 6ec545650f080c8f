import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { encodeJson, isJsonObject, type JsonObject, type JsonValue, parseJson } from '@holdfast/tuf';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { OfflineFileError } from '../errors.ts';

/**
 * The container of everything that is carried between an index and the holders of its offline keys: docs/formats/offline-signing.md.
 * Entries in one zstd stream, each a line of JSON, followed by as many bytes as its `length` says.
 */
export interface Entry {
  /** The first member of each is `entry`: of which kind it is. */
  readonly head: JsonObject;
  /** Empty where the head has no `length`. */
  readonly bytes: Uint8Array;
}

/** A line, in bytes. */
export const MAX_LINE = 16 << 20;
/** The bytes of one entry: what a role may have. */
export const MAX_ENTRY_BYTES = 16 << 20;
/** Everything in a file, decompressed. */
export const MAX_FILE_BYTES: number = 8 * 2 ** 30;
const NEWLINE = 0x0a;
const NOTHING = new Uint8Array();

/** An entry without bytes. */
export function entry(kind: string, members: Iterable<readonly [string, JsonValue]> = []): Entry {
  return { head: new Map<string, JsonValue>([['entry', kind], ...members]), bytes: NOTHING };
}

/** An entry with bytes. */
export function fileEntry(kind: string, members: Iterable<readonly [string, JsonValue]>, bytes: Uint8Array): Entry {
  return { head: new Map([...entry(kind, members).head, ['length', bytes.length]]), bytes };
}

/**
 * Writes a file of this format, whole or not at all.
 * @param format such as `holdfast-offline-export-1`
 * @returns SHA-256 of what it says, lower-case hex: what {@link readEntries} returns for it, however it is compressed
 */
export async function writeEntries(
  path: string,
  format: string,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
): Promise<string> {
  const digest = createHash('sha256');
  const source = Readable.from(
    encoded(format, entries, (bytes) => digest.update(bytes)),
    { objectMode: false },
  );
  const compressed = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const ended = new Promise<void>((resolve, reject) => {
    pipeline(source, compressed, (error) => (error ? reject(error) : resolve()));
  });
  await Promise.all([writeFileAtomic(path, compressed, { mode: 0o600 }), ended]);
  return digest.digest('hex');
}

async function* encoded(
  format: string,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  seen: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let size = 0;
  let count = 0;
  const line = (head: JsonObject): Uint8Array => Buffer.concat([encodeJson(head), Buffer.of(NEWLINE)]);
  const take = (bytes: Uint8Array): void => {
    seen(bytes);
    pending.push(bytes);
    size += bytes.length;
  };
  take(line(new Map([['format', format]])));
  for await (const { head, bytes } of entries) {
    take(line(head));
    if (bytes.length > 0) take(bytes);
    count += 1;
    if (size < 1 << 16) continue;
    yield Buffer.concat(pending);
    [pending, size] = [[], 0];
  }
  take(line(entry('end', [['entries', count]]).head));
  yield Buffer.concat(pending);
}

/**
 * Reads such a file, an entry at a time; ends with the digest that {@link writeEntries} returned. Nothing counts before it has ended.
 * @throws OfflineFileError
 */
export async function* readEntries(path: string, format: string): AsyncGenerator<Entry, string, void> {
  const input = new Input(path);
  try {
    const first = await input.line();
    if (first.size !== 1 || first.get('format') !== format) throw new OfflineFileError(path, `it is no ${format}`);
    for (let count = 0; ; count++) {
      const head = await input.line();
      if (head.get('entry') === 'end') {
        if (head.get('entries') !== count) throw new OfflineFileError(path, 'entries are missing');
        return await input.end();
      }
      yield { head, bytes: await input.bytes(head.get('length')) };
    }
  } catch (error) {
    throw isOfTheContent(error) ? new OfflineFileError(path, 'it is damaged', { cause: error }) : error;
  } finally {
    input.close();
  }
}

function isOfTheContent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    code === 'FORMAT' || code.startsWith('ZSTD_') || code === 'Z_BUF_ERROR' || code === 'ERR_STREAM_PREMATURE_CLOSE'
  );
}

class Input {
  readonly #path: string;
  readonly #source: NodeJS.ReadableStream & { destroy(): void };
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #digest = createHash('sha256');
  #buffer: Buffer = Buffer.alloc(0);
  #total = 0;

  constructor(path: string) {
    this.#path = path;
    // What goes wrong with the file is thrown where the decompressed bytes are read.
    const decompressed = pipeline(createReadStream(path), createZstdDecompress(), () => {});
    this.#source = decompressed;
    this.#chunks = decompressed[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** A line, as the object that it is. */
  async line(): Promise<JsonObject> {
    let searched = 0;
    for (;;) {
      const at = this.#buffer.indexOf(NEWLINE, searched);
      if (at >= 0) {
        const value = parseJson(this.#take(at + 1).subarray(0, at));
        if (!isJsonObject(value)) throw new OfflineFileError(this.#path, 'a line of it is no object');
        return value;
      }
      searched = this.#buffer.length;
      if (searched > MAX_LINE) throw new OfflineFileError(this.#path, 'a line of it is too long');
      if (!(await this.#more())) throw new OfflineFileError(this.#path, 'it ends too early');
    }
  }

  async bytes(length: JsonValue | undefined): Promise<Uint8Array> {
    if (length === undefined) return NOTHING;
    if (typeof length !== 'number' || length < 0 || length > MAX_ENTRY_BYTES)
      throw new OfflineFileError(this.#path, 'an entry of it is too long');
    while (this.#buffer.length < length)
      if (!(await this.#more(length))) throw new OfflineFileError(this.#path, 'it ends too early');
    return Uint8Array.from(this.#take(length));
  }

  async end(): Promise<string> {
    if (this.#buffer.length > 0 || (await this.#more()))
      throw new OfflineFileError(this.#path, 'something follows its end');
    return this.#digest.digest('hex');
  }

  close(): void {
    this.#source.destroy();
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length);
    this.#digest.update(taken);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async #more(wanted = 0): Promise<boolean> {
    const parts = [this.#buffer];
    let size = this.#buffer.length;
    do {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      parts.push(next.value);
      size += next.value.length;
      this.#total += next.value.length;
      if (this.#total > MAX_FILE_BYTES) throw new OfflineFileError(this.#path, 'it is too long');
    } while (size < wanted);
    const grew = parts.length > 1;
    if (grew) this.#buffer = Buffer.concat(parts);
    return grew;
  }
}
