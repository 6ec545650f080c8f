import { FormatError } from '../errors.ts';
import type { JsonObject, JsonValue } from './value.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** Names up to this length repeat in every entry (`length`, `sha256`) and are made once. */
const CACHED_NAME_LENGTH = 16;

/** Where the value of a top-level member stands in the text, in UTF-16 units, end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Takes the members of one object, instead of the tree. */
export interface EntrySink {
  /** The name of that object in the top-level member `signed`. */
  readonly member: string;
  readonly size: number;
  /** @returns the offset behind the value at `start`, when it took it from the text; else -1 */
  add(text: string, nameStart: number, nameEnd: number, start: number): number;
  addValue(name: string, value: JsonValue): void;
}

/** One pass over a text, linear in its length; refuses whatever RFC 8259 leaves to the reader's taste. */
export class JsonReader {
  readonly members: Map<string, Span> = new Map();
  private readonly text: string;
  private readonly maxDepth: number;
  private readonly names: (string | undefined)[] = Array.from({ length: 64 });
  private readonly entries: EntrySink | undefined;
  private inSigned = false;
  private position = 0;

  constructor(text: string, maxDepth: number, entries?: EntrySink) {
    this.text = text;
    this.maxDepth = maxDepth;
    this.entries = entries;
  }

  document(): JsonValue {
    this.skipSpace();
    const value = this.value(0);
    this.skipSpace();
    if (this.position !== this.text.length) this.fail('data after the end of the document');
    return value;
  }

  private value(depth: number): JsonValue {
    const unit = this.text.charCodeAt(this.position);
    if (unit === QUOTE) return this.string(false);
    if (unit === 0x7b) return this.object(depth);
    if (unit === 0x5b) return this.array(depth);
    if (unit === 0x2d || (unit >= 0x30 && unit <= 0x39)) return this.integer();
    if (this.literal('true')) return true;
    if (this.literal('false')) return false;
    if (this.literal('null')) return null;
    return this.fail('a value should begin here');
  }

  private object(depth: number): JsonObject {
    if (depth >= this.maxDepth) this.fail(`nested more than ${this.maxDepth} deep`);
    this.position++;
    const object = new Map<string, JsonValue>();
    this.skipSpace();
    if (this.take(0x7d)) return object;
    for (let count = 1; ; count++) {
      if (this.text.charCodeAt(this.position) !== QUOTE) this.fail('a name should begin here');
      const name = this.string(true);
      this.skipSpace();
      if (!this.take(0x3a)) this.fail('a colon should stand here');
      this.skipSpace();
      const start = this.position;
      if (depth === 0) this.inSigned = name === 'signed';
      object.set(name, this.member(name, depth));
      if (object.size !== count) this.fail(`the name ${JSON.stringify(name)} occurs twice`);
      if (depth === 0) this.members.set(name, { start, end: this.position });
      this.skipSpace();
      if (this.take(0x7d)) return object;
      if (!this.take(0x2c)) this.fail('a comma or the end of an object should stand here');
      this.skipSpace();
    }
  }

  private member(name: string, depth: number): JsonValue {
    const { entries } = this;
    const here = depth === 1 && this.inSigned && name === entries?.member;
    if (!here || this.text.charCodeAt(this.position) !== 0x7b) return this.value(depth + 1);
    this.fill(entries, depth + 1);
    return new Map();
  }

  private fill(entries: EntrySink, depth: number): void {
    this.position++;
    this.skipSpace();
    if (this.take(0x7d)) return;
    for (let count = 1; ; count++) {
      if (this.text.charCodeAt(this.position) !== QUOTE) this.fail('a name should begin here');
      const nameStart = this.position + 1;
      const nameEnd = this.plainRun(nameStart);
      const isPlain = this.text.charCodeAt(nameEnd) === QUOTE;
      const escaped = isPlain ? undefined : this.string(false);
      if (isPlain) this.position = nameEnd + 1;
      this.skipSpace();
      if (!this.take(0x3a)) this.fail('a colon should stand here');
      this.skipSpace();
      const end = isPlain ? entries.add(this.text, nameStart, nameEnd, this.position) : -1;
      if (end >= 0) this.position = end;
      else entries.addValue(escaped ?? this.text.slice(nameStart, nameEnd), this.value(depth + 1));
      if (entries.size !== count) this.fail('a name that occurs twice ends here');
      this.skipSpace();
      if (this.take(0x7d)) return;
      if (!this.take(0x2c)) this.fail('a comma or the end of an object should stand here');
      this.skipSpace();
    }
  }

  /** Where the first quote, backslash or control character stands, or the text ends. */
  private plainRun(from: number): number {
    const { text } = this;
    let end = from;
    let unit = text.charCodeAt(end);
    while (unit !== QUOTE && unit !== BACKSLASH && unit >= 0x20) unit = text.charCodeAt(++end);
    return end;
  }

  private array(depth: number): readonly JsonValue[] {
    if (depth >= this.maxDepth) this.fail(`nested more than ${this.maxDepth} deep`);
    this.position++;
    const items: JsonValue[] = [];
    this.skipSpace();
    if (this.take(0x5d)) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      this.skipSpace();
      if (this.take(0x5d)) return items;
      if (!this.take(0x2c)) this.fail('a comma or the end of an array should stand here');
      this.skipSpace();
    }
  }

  private string(isName: boolean): string {
    const { text } = this;
    const start = this.position + 1;
    const end = this.plainRun(start);
    if (text.charCodeAt(end) !== QUOTE) return this.escapedString(start, end);
    this.position = end + 1;
    const length = end - start;
    if (!isName || length > CACHED_NAME_LENGTH || length === 0) return text.slice(start, end);
    const slot = (length * 7 + text.charCodeAt(start)) & 63;
    const known = this.names[slot];
    if (known !== undefined && known.length === length && text.startsWith(known, start)) return known;
    const name = text.slice(start, end);
    this.names[slot] = name;
    return name;
  }

  private escapedString(start: number, firstStop: number): string {
    const { text } = this;
    const parts: string[] = [];
    let from = start;
    let end = firstStop;
    for (;;) {
      end = this.plainRun(end);
      const unit = text.charCodeAt(end);
      parts.push(text.slice(from, end));
      this.position = end;
      if (unit === QUOTE) break;
      if (unit !== BACKSLASH) this.fail('a string with a control character or without an end');
      const letter = text.charAt(end + 1);
      if (letter === 'u') {
        const digits = text.slice(end + 2, end + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('an escape without four hexadecimal digits');
        parts.push(String.fromCharCode(Number.parseInt(digits, 16)));
        end += 6;
      } else {
        const plain = SHORT_ESCAPES.get(letter);
        if (plain === undefined) return this.fail('an unknown escape');
        parts.push(plain);
        end += 2;
      }
      from = end;
    }
    this.position = end + 1;
    const value = parts.join('');
    if (!value.isWellFormed()) this.fail('half of a surrogate pair');
    return value;
  }

  private integer(): number {
    const { text } = this;
    const start = this.position;
    const negative = text.charCodeAt(start) === 0x2d;
    const first = negative ? start + 1 : start;
    let end = first;
    let value = 0;
    let unit = text.charCodeAt(end);
    while (unit >= 0x30 && unit <= 0x39) {
      value = value * 10 + (unit - 0x30);
      unit = text.charCodeAt(++end);
    }
    if (end === first) this.fail('a sign without a number');
    if (unit === 0x2e || unit === 0x65 || unit === 0x45) this.fail('a number that is not written as an integer');
    if (text.charCodeAt(first) === 0x30 && (end > first + 1 || negative))
      this.fail('a number with a leading zero or -0');
    if (end - first > 16 || value > Number.MAX_SAFE_INTEGER) this.fail('an integer beyond 2^53-1');
    this.position = end;
    return negative ? -value : value;
  }

  private literal(word: string): boolean {
    if (!this.text.startsWith(word, this.position)) return false;
    this.position += word.length;
    return true;
  }

  private take(unit: number): boolean {
    if (this.text.charCodeAt(this.position) !== unit) return false;
    this.position++;
    return true;
  }

  private skipSpace(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.position);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.position++;
    }
  }

  private fail(problem: string): never {
    throw new FormatError(`character ${this.position}`, problem);
  }
}
