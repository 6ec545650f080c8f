import type { JsonValue } from './value.ts';

/** How entries of one kind are read; nearly all of them are written in one usual form. */
export interface EntryShape<V> {
  /** Which member of `signed` holds them. */
  readonly member: string;
  /** The offset behind an entry of the usual form that begins at `start`; -1 for anything else, also for damage. */
  skip(text: string, start: number): number;
  /** An entry that `skip` went over. */
  read(text: string, start: number): V;
  /** An entry of any other form. @throws FormatError */
  parse(value: JsonValue): V;
}

/**
 * The entries of a large role. All are checked when the file is read, but one in the usual form is only remembered by where it
 * stands, and read when somebody asks for it: a lookup needs one of a hundred thousand.
 */
export class EntryTable<V extends object> implements ReadonlyMap<string, V> {
  readonly member: string;
  private readonly shape: EntryShape<V>;
  private readonly known = new Map<string, number | V>();
  private text = '';

  constructor(shape: EntryShape<V>) {
    this.shape = shape;
    this.member = shape.member;
  }

  /** @returns as {@link EntryShape.skip}; on -1 nothing was added */
  add(name: string, text: string, start: number): number {
    const end = this.shape.skip(text, start);
    if (end < 0) return -1;
    this.text = text;
    this.known.set(name, start);
    return end;
  }

  addValue(name: string, value: JsonValue): void {
    this.known.set(name, this.shape.parse(value));
  }

  get size(): number {
    return this.known.size;
  }

  has(name: string): boolean {
    return this.known.has(name);
  }

  get(name: string): V | undefined {
    const entry = this.known.get(name);
    return entry === undefined ? undefined : this.value(entry);
  }

  keys(): MapIterator<string> {
    return this.known.keys();
  }

  *entries(): MapIterator<[string, V]> {
    for (const [name, entry] of this.known) yield [name, this.value(entry)];
    return undefined;
  }

  *values(): MapIterator<V> {
    for (const entry of this.known.values()) yield this.value(entry);
    return undefined;
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  private value(entry: number | V): V {
    return typeof entry === 'number' ? this.shape.read(this.text, entry) : entry;
  }
}
