import { InvalidMetadataError, quote } from '../errors.ts';

/** Headers and body of a METADATA, PKG-INFO or WHEEL file. */
export interface Headers {
  /** Values by lower-case field name, in the order of the file; folded lines are joined by `\n`. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** What follows the first empty line. */
  readonly body?: string;
}

/** Most header lines that are read; the largest known metadata has a few thousand. */
const MAX_LINES = 20_000;

/**
 * Parses headers as Python's `email` package reads them, but refuses what that package guesses at: a line that is neither
 * a field nor a continuation, a lone carriage return, control characters, text that is not UTF-8.
 * @throws InvalidMetadataError
 */
export function parseHeaders(bytes: Uint8Array): Headers {
  const text = decodeUtf8(bytes);
  const end = /(?:^|\r?\n)\r?\n/.exec(text);
  const head = end ? text.slice(0, end.index) : text;
  const body = end ? text.slice(end.index + end[0].length) : undefined;
  const lines = head.split('\n', MAX_LINES + 1).map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.length > MAX_LINES) throw new InvalidMetadataError(`it has more than ${MAX_LINES} header lines`);
  if (lines.at(-1) === '') lines.pop();
  return { fields: collect(lines), ...(body !== undefined && { body }) };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidMetadataError('it is not UTF-8 text', { cause });
  }
}

function collect(lines: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of lines) {
    if (/[^\t\P{Cc}]/u.test(line)) throw new InvalidMetadataError(`the line ${quote(line)} has a control character`);
    if (/^[ \t]/.test(line)) {
      if (!current) throw new InvalidMetadataError('it begins with a continuation line');
      current.push(`${current.pop() ?? ''}\n${line.trim()}`);
      continue;
    }
    const match = /^([A-Za-z0-9-]+):(.*)$/u.exec(line);
    if (!match) throw new InvalidMetadataError(`the line ${quote(line)} is neither a field nor a continuation`);
    const [, name = '', value = ''] = match;
    const key = name.toLowerCase();
    current = fields.get(key) ?? [];
    fields.set(key, current);
    current.push(value.trim());
  }
  return fields;
}
