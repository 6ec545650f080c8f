import { isUtf8 } from 'node:buffer';
import { isJsonArray, isJsonObject, type JsonValue } from '@holdfast/tuf';

const MAX_DEPTH = 64;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:,]|true|false|null/gs;

/** What the platform's own reader makes of the bytes; `undefined` when it refuses, or when they are not strict JSON. */
export function readStrictly(bytes: Uint8Array): { readonly value: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes).toString();
  try {
    const value: unknown = JSON.parse(text);
    return isStrict(text) ? { value } : undefined;
  } catch {
    return undefined; // the reader under test has to refuse it as well
  }
}

/** Of a text that is JSON: whether it has no name twice, safe integers only, whole characters only, and is not too deep. */
function isStrict(text: string): boolean {
  const names: Set<string>[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') names.push(new Set());
    if (token === '}' || token === ']') names.pop();
    if (names.length > MAX_DEPTH) return false;
    if (token.startsWith('"') && !String(JSON.parse(token)).isWellFormed()) return false;
    if (/^[-\d]/.test(token) && !(/^(?:0|-?[1-9]\d*)$/.test(token) && Number.isSafeInteger(Number(token))))
      return false;
    if (token === ':') {
      const name = String(JSON.parse(previous));
      if (names.at(-1)?.has(name) === true) return false;
      names.at(-1)?.add(name);
    }
    previous = token;
  }
  return true;
}

/** Whether our tree says the same as plain objects and arrays. */
export function saysTheSame(ours: JsonValue, plain: unknown): boolean {
  if (isJsonArray(ours)) {
    return (
      Array.isArray(plain) &&
      ours.length === plain.length &&
      ours.every((item, index) => saysTheSame(item, plain[index]))
    );
  }
  if (!isJsonObject(ours)) return ours === plain && !Object.is(ours, -0);
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return false;
  const members = new Map<string, unknown>(Object.entries(plain));
  return (
    ours.size === members.size &&
    [...ours].every(([name, value]) => members.has(name) && saysTheSame(value, members.get(name)))
  );
}

/** The canonical form as its description has it, written without a thought for speed. */
export function slowCanonical(value: JsonValue): string {
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (isJsonArray(value)) return `[${value.map(slowCanonical).join(',')}]`;
  if (!isJsonObject(value)) return String(value);
  // UTF-8 keeps the order of code points.
  const entries = [...value].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([name, member]) => `${slowCanonical(name)}:${slowCanonical(member)}`).join(',')}}`;
}

/** How many values a tree holds, and how many UTF-16 units of text: what it costs to keep. */
export function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return 1 + value.length;
  if (isJsonArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item), 1);
  if (!isJsonObject(value)) return 1;
  let size = 1;
  for (const [name, member] of value) size += name.length + sizeOf(member);
  return size;
}
