import { FormatError } from '../errors.ts';
import { isJsonArray, isJsonObject, type JsonValue } from './value.ts';

/** Text is turned into bytes in pieces of about this many UTF-16 units: one long concatenation would cost more. */
const CHUNK = 1 << 15;

/**
 * The OLPC canonical form that TUF signs: names in code-point order, no space, only `"` and `\` escaped.
 * Control characters stand raw in it, so it is not always JSON; to write a file use {@link encodeJson}.
 * @throws FormatError for numbers that are not safe integers and for lone surrogates
 */
export function canonicalize(value: JsonValue): Uint8Array {
  return new Writer(canonicalString).bytes(value);
}

/** The canonical form, but with control characters escaped, so that it is always valid JSON. */
export function encodeJson(value: JsonValue): Uint8Array {
  return new Writer(jsonString).bytes(value);
}

class Writer {
  private readonly quote: (text: string) => string;
  private readonly encoder = new TextEncoder();
  private readonly chunks: Uint8Array[] = [];
  private pending = '';

  constructor(quote: (text: string) => string) {
    this.quote = quote;
  }

  bytes(value: JsonValue): Uint8Array {
    this.write(value);
    this.flush();
    const first = this.chunks[0];
    if (this.chunks.length === 1 && first !== undefined) return first;
    const whole = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let offset = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }

  private write(value: JsonValue): void {
    if (typeof value === 'string') this.pending += this.quote(value);
    else if (typeof value === 'number') this.pending += integer(value);
    else if (isJsonObject(value)) this.writeObject(value);
    else if (isJsonArray(value)) this.writeArray(value);
    else this.pending += String(value);
    if (this.pending.length > CHUNK) this.flush();
  }

  private writeObject(object: ReadonlyMap<string, JsonValue>): void {
    let separator = '{';
    for (const [name, value] of sortedEntries(object)) {
      this.pending += separator;
      this.pending += this.quote(name);
      this.pending += ':';
      this.write(value);
      separator = ',';
    }
    this.pending += separator === '{' ? '{}' : '}';
  }

  private writeArray(items: readonly JsonValue[]): void {
    let separator = '[';
    for (const item of items) {
      this.pending += separator;
      this.write(item);
      separator = ',';
    }
    this.pending += separator === '[' ? '[]' : ']';
  }

  private flush(): void {
    this.chunks.push(this.encoder.encode(this.pending));
    this.pending = '';
  }
}

function sortedEntries(object: ReadonlyMap<string, JsonValue>): Iterable<[string, JsonValue]> {
  let previous: string | undefined;
  for (const name of object.keys()) {
    if (previous !== undefined && compareCodePoints(previous, name) > 0) {
      return [...object].sort(([a], [b]) => compareCodePoints(a, b));
    }
    previous = name;
  }
  return object;
}

const SURROGATE_OR_ABOVE = /[\ud800-\uffff]/;

/** Order by Unicode code point, as Python and UTF-8 have it; UTF-16 order differs above U+D7FF. */
export function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  if (!SURROGATE_OR_ABOVE.test(a) || !SURROGATE_OR_ABOVE.test(b)) return a < b ? -1 : 1;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Lifts surrogates, which stand for code points above U+FFFF, over U+E000 to U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new FormatError('number', `${value} is not an integer within ±(2^53-1)`);
  return value === 0 ? '0' : String(value);
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new FormatError('string', 'half of a surrogate pair');
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

function jsonString(text: string): string {
  const quoted = canonicalString(text);
  // oxlint-disable-next-line no-control-regex
  return quoted.replace(/[\u0000-\u001f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
