import { SortedNames } from './sorted-names.ts';
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
 * stands, and read when somebody asks for it: a lookup needs one of a hundred thousand. Names in order, as canonical JSON has
 * them, stay in the text as well.
 */
export class EntryTable<V extends object> implements ReadonlyMap<string, V> {
  readonly member: string;
  private readonly shape: EntryShape<V>;
  private text = '';
  private names = new SortedNames('');
  private starts: number[] = [];
  /** Instead of names and starts, from the first entry that is out of order or in another form. */
  private known: Map<string, number | V> | undefined;

  constructor(shape: EntryShape<V>) {
    this.shape = shape;
    this.member = shape.member;
  }

  /**
   * @param nameStart where the name stands in the text, which has no escapes there
   * @returns as {@link EntryShape.skip}; on -1 nothing was added
   */
  add(text: string, nameStart: number, nameEnd: number, start: number): number {
    const end = this.shape.skip(text, start);
    if (end < 0) return -1;
    if (this.text === '') {
      this.text = text;
      this.names = new SortedNames(text);
    }
    if (this.known === undefined && this.names.add(nameStart, nameEnd)) this.starts.push(start);
    else this.map().set(text.slice(nameStart, nameEnd), start);
    return end;
  }

  addValue(name: string, value: JsonValue): void {
    this.map().set(name, this.shape.parse(value));
  }

  get size(): number {
    return this.known?.size ?? this.starts.length;
  }

  has(name: string): boolean {
    return this.known?.has(name) ?? this.names.find(name) >= 0;
  }

  get(name: string): V | undefined {
    const entry = this.known === undefined ? this.starts[this.names.find(name)] : this.known.get(name);
    return entry === undefined ? undefined : this.value(entry);
  }

  *keys(): MapIterator<string> {
    if (this.known !== undefined) yield* this.known.keys();
    else for (let index = 0; index < this.starts.length; index++) yield this.names.at(index);
    return undefined;
  }

  *entries(): MapIterator<[string, V]> {
    if (this.known !== undefined) for (const [name, entry] of this.known) yield [name, this.value(entry)];
    else for (const [index, start] of this.starts.entries()) yield [this.names.at(index), this.value(start)];
    return undefined;
  }

  *values(): MapIterator<V> {
    for (const entry of this.known?.values() ?? this.starts) yield this.value(entry);
    return undefined;
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  private map(): Map<string, number | V> {
    if (this.known === undefined) {
      this.known = new Map(this.starts.map((start, index) => [this.names.at(index), start]));
      this.names = new SortedNames('');
      this.starts = [];
    }
    return this.known;
  }

  private value(entry: number | V): V {
    return typeof entry === 'number' ? this.shape.read(this.text, entry) : entry;
  }
}
