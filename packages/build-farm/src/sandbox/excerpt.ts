const HEAD = 64 * 1024;
const TAIL = 960 * 1024;

/** The first and the last of what somebody says: how it began and how it ended, however much was between. */
export class Excerpt {
  readonly #most: number;
  readonly #tooMuch: () => void;
  #head = Buffer.alloc(0);
  /** Pieces of the end, and a bit more, so that not every piece costs a copy of all of it. */
  #tail: Buffer[] = [];
  #tailLength = 0;
  #length = 0;

  /** @param most bytes; whoever says more is told by `tooMuch` */
  constructor(most: number, tooMuch: () => void) {
    this.#most = most;
    this.#tooMuch = tooMuch;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    const room = HEAD - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, piece.subarray(0, room)]);
    const rest = piece.subarray(Math.max(0, room));
    if (rest.length > 0) this.#tail.push(rest);
    this.#tailLength += rest.length;
    if (this.#tailLength > 2 * TAIL) {
      this.#tail = [Buffer.concat(this.#tail).subarray(-TAIL)];
      this.#tailLength = TAIL;
    }
    if (this.#length > this.#most) this.#tooMuch();
  }

  get text(): string {
    const tail = Buffer.concat(this.#tail).subarray(-TAIL);
    const left = this.#length - this.#head.length - tail.length;
    const between = left > 0 ? `\n[${left} bytes are left out here]\n` : '';
    return `${this.#head.toString('utf8')}${between}${tail.toString('utf8')}`;
  }
}
