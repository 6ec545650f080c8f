/** A cell by where it begins, in units of 8 bytes; 0 is none. */
export type CellId = number;

const UNIT_BYTES = 8;
/** Before the bytes of a cell: their number, and how many nodes have it; where nobody has it, the next free one of its size. */
const HEADER_BYTES = 8;
const LENGTH = 0;
const REFERENCES = 1;
const NO_CELL = new Uint8Array();
/** A segment never moves: to grow is to begin another one. */
const SEGMENT_BITS = 16;
const SEGMENT_UNITS = 1 << SEGMENT_BITS;

/** The bytes of cells in a few large arrays, counted by reference. What nobody has any more is used again for one of its size. */
export class CellHeap {
  private readonly words: Uint32Array[] = [];
  private readonly bytes: Uint8Array[] = [];
  /** The first unit that was never used. */
  private unused = 1;
  /** Free cells by their size in units: the first of a list. */
  private readonly free = new Map<number, CellId>();

  /** Bytes of memory. */
  get size(): number {
    return this.words.length * SEGMENT_UNITS * UNIT_BYTES;
  }

  /** Not to be kept: once nobody has the cell, other bytes stand there. */
  content(cell: CellId): Uint8Array {
    if (cell === 0) return NO_CELL;
    const start = (cell % SEGMENT_UNITS) * UNIT_BYTES + HEADER_BYTES;
    return this.segment(cell).subarray(start, start + this.word(cell, LENGTH));
  }

  /** For one owner. */
  add(content: Uint8Array): CellId {
    if (content.length === 0) return 0;
    const units = unitsFor(content.length);
    const free = this.free.get(units) ?? 0;
    if (free !== 0) this.free.set(units, this.word(free, REFERENCES));
    const cell = free === 0 ? this.carve(units) : free;
    this.setWord(cell, LENGTH, content.length);
    this.setWord(cell, REFERENCES, 1);
    this.segment(cell).set(content, (cell % SEGMENT_UNITS) * UNIT_BYTES + HEADER_BYTES);
    return cell;
  }

  /** Another owner. */
  keep(cell: CellId): void {
    if (cell !== 0) this.setWord(cell, REFERENCES, this.word(cell, REFERENCES) + 1);
  }

  /** An owner less. */
  release(cell: CellId): void {
    if (cell === 0) return;
    const left = this.word(cell, REFERENCES) - 1;
    const units = unitsFor(this.word(cell, LENGTH));
    this.setWord(cell, REFERENCES, left === 0 ? (this.free.get(units) ?? 0) : left);
    if (left === 0) this.free.set(units, cell);
  }

  private carve(units: number): CellId {
    const end = this.words.length * SEGMENT_UNITS;
    if (this.unused + units > end) {
      const words = new Uint32Array((SEGMENT_UNITS * UNIT_BYTES) / Uint32Array.BYTES_PER_ELEMENT);
      this.words.push(words);
      this.bytes.push(new Uint8Array(words.buffer));
      this.unused = Math.max(1, end);
    }
    this.unused += units;
    return this.unused - units;
  }

  private segment(cell: CellId): Uint8Array {
    return this.bytes[cell >>> SEGMENT_BITS] ?? NO_CELL;
  }

  private word(cell: CellId, field: number): number {
    return this.words[cell >>> SEGMENT_BITS]?.[(cell % SEGMENT_UNITS) * 2 + field] ?? 0;
  }

  private setWord(cell: CellId, field: number, value: number): void {
    const words = this.words[cell >>> SEGMENT_BITS];
    if (words) words[(cell % SEGMENT_UNITS) * 2 + field] = value;
  }
}

/** Exact for small cells. Large ones are rounded up by an eighth at most, so that there are few sizes, and each is used again. */
function unitsFor(length: number): number {
  const units = Math.ceil((HEADER_BYTES + length) / UNIT_BYTES);
  const step = 1 << Math.max(0, 28 - Math.clz32(units));
  return Math.ceil(units / step) * step;
}
