import { compareCodePoints } from '@holdfast/tuf';

/** JSON that may hold what no writer would write: numbers in any form, a member twice. */
export type Raw = null | boolean | number | string | readonly Raw[] | RawObject | Literal | Twice;
export type RawObject = Map<string, Raw>;

/** Stands in the file and in what is signed exactly as given. */
export class Literal {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** As a member's value: the member is written twice; what is signed holds the last one, which is what lenient readers keep. */
export class Twice {
  readonly first: Raw;
  readonly last: Raw;

  constructor(first: Raw, last: Raw) {
    this.first = first;
    this.last = last;
  }
}

/** From plain objects, arrays and Maps; members that are `undefined` are left out. */
export function raw(value: unknown): Raw {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (value instanceof Literal || value instanceof Twice) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => raw(item));
  return rawObject(value as object);
}

export function rawObject(value: object): RawObject {
  const entries: readonly (readonly [unknown, unknown])[] =
    value instanceof Map ? Array.from(value as Map<unknown, unknown>) : Object.entries(value);
  return new Map(
    entries.filter(([, member]) => member !== undefined).map(([name, member]) => [String(name), raw(member)]),
  );
}

/** The OLPC canonical form, written independently of the package's own. */
export function canonicalText(value: Raw): string {
  return write(value, (text) => `"${text.replace(/["\\]/g, '\\$&')}"`, 'canonical');
}

export type Layout = 'canonical' | 'indented';

export function fileText(value: Raw, layout: Layout): string {
  return write(value, JSON.stringify, layout);
}

function write(value: Raw, quote: (text: string) => string, layout: Layout, depth = 0): string {
  if (typeof value === 'string') return quote(value);
  if (value instanceof Literal) return value.text;
  if (value instanceof Twice) return write(value.last, quote, layout, depth);
  const [open, close, colon] = layout === 'canonical' ? ['', '', ':'] : margins(depth);
  const inner = (item: Raw): string => write(item, quote, layout, depth + 1);
  if (Array.isArray(value)) return `[${open}${value.map(inner).join(`,${open}`)}${close}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const member = (name: string, item: Raw): string => `${quote(name)}${colon}${inner(item)}`;
  const members = [...value]
    .sort(([a], [b]) => (layout === 'canonical' ? compareCodePoints(a, b) : 0))
    .flatMap(([name, item]) =>
      item instanceof Twice && quote === JSON.stringify
        ? [member(name, item.first), member(name, item.last)]
        : [member(name, item)],
    );
  return `{${open}${members.join(`,${open}`)}${close}}`;
}

function margins(depth: number): readonly [string, string, string] {
  return [`\n${' '.repeat(depth + 1)}`, `\n${' '.repeat(depth)}`, ': '];
}
