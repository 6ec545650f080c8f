import { ArchiveFramingError } from '../../errors.ts';

/** Takes exact lengths out of a stream of pieces. Holds one piece at a time. */
export class BlockReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #current: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes. The caller bounds `length`. */
  async read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    await this.#take(length, (piece) => {
      bytes.set(piece, filled);
      filled += piece.length;
    });
    return bytes;
  }

  async skip(length: number): Promise<void> {
    await this.#take(length, () => {});
  }

  /** The next piece of whatever length, or `undefined` at the end. */
  async rest(): Promise<Uint8Array | undefined> {
    if (this.#current.length === 0 && !(await this.#advance())) return undefined;
    const piece = this.#current;
    this.#current = new Uint8Array();
    return piece;
  }

  /** Stops the stream behind it. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #take(length: number, use: (piece: Uint8Array) => void): Promise<void> {
    let missing = length;
    while (missing > 0) {
      if (this.#current.length === 0 && !(await this.#advance()))
        throw new ArchiveFramingError('the tar archive ends in the middle of an entry, or without its end mark');
      const piece = this.#current.subarray(0, missing);
      this.#current = this.#current.subarray(piece.length);
      missing -= piece.length;
      use(piece);
    }
  }

  async #advance(): Promise<boolean> {
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#current = next.value;
      return true;
    }
  }
}
