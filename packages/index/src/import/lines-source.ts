import { type DistributionFilename, normalizeName, parseFilenameOf, PythonIndexError } from '@holdfast/python-index';
import type { ImportEntry, ImportSource, SourceItem } from './entry.ts';
import { readLines } from './read-lines.ts';

export interface LinesOptions {
  /** Absolute path, or `-`. */
  readonly name: string;
  readonly input: AsyncIterable<Uint8Array>;
  /** Bytes of the input, when that is known. */
  readonly size?: number | undefined;
  /** Goes before the filename of each file whose line has no `url`; ends in a slash. */
  readonly filesAt?: string | undefined;
  /** The upload time of files whose line has none. */
  readonly now: Date;
}

/** Bytes of one line. */
const MAX_LINE_BYTES = 64 * 1024;
/** Lines between two places where a later run can go on. */
const CURSOR_LINES = 1_000;
/** The largest file that anyone could publish, in bytes: 1 TiB. */
const MAX_FILE_BYTES = 2 ** 40;

/** JSON lines, one file a line: docs/guides/operator.md, "Import an existing index". */
export function linesSource(options: LinesOptions): ImportSource {
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of options.input) {
      yield chunk;
      read += chunk.length;
    }
  }
  return {
    id: `lines:${options.name}`,
    costly: false,
    share: () => (options.size === undefined ? undefined : read / Math.max(1, options.size)),
    items: (cursor) => readItems({ ...options, input: counted() }, Number(cursor ?? 0)),
  };
}

async function* readItems(options: LinesOptions, done: number): AsyncGenerator<SourceItem> {
  let number = 0;
  for await (const line of readLines(options.input, MAX_LINE_BYTES)) {
    number += 1;
    if (number <= done) continue;
    yield itemOf(line, number, options);
  }
}

function itemOf(line: string | undefined, number: number, options: LinesOptions): SourceItem {
  const cursor = number % CURSOR_LINES === 0 ? { cursor: String(number) } : {};
  if (line === '') return cursor;
  try {
    if (line === undefined) throw new LineError(`it is longer than ${MAX_LINE_BYTES} bytes, or not UTF-8`);
    return { entry: entryOf(line, options), ...cursor };
  } catch (error) {
    if (!(error instanceof LineError || error instanceof PythonIndexError)) throw error;
    return { problem: { item: `line ${number}`, reason: error.message }, ...cursor };
  }
}

/** A line that is not understood. */
class LineError extends Error {}

let lastProject: { readonly written: string; readonly project: ImportEntry['project'] } | undefined;

/** Lines of one project mostly come together. */
function projectOf(written: string): ImportEntry['project'] {
  if (lastProject?.written !== written) lastProject = { written, project: normalizeName(written) };
  return lastProject.project;
}

function entryOf(line: string, { filesAt, now }: LinesOptions): ImportEntry {
  const fields = objectOf(parse(line));
  const written = text(fields, 'project') ?? missing('project');
  const filename = text(fields, 'filename') ?? missing('filename');
  const name: DistributionFilename = parseFilenameOf(projectOf(written), filename);
  const core = fields['core_metadata'] ?? fields['core-metadata'];
  const url = text(fields, 'url');
  return {
    project: name.project,
    displayName: written,
    filename,
    version: name.version,
    kind: name.kind,
    sha256: digest(fields),
    size: size(fields),
    requiresPython: text(fields, 'requires_python') ?? text(fields, 'requires-python'),
    uploadTime: time(fields, now),
    yanked: yankedOf(fields['yanked']),
    coreMetadata: core === undefined || core === null ? undefined : coreMetadataOf(objectOf(core)),
    location: url === undefined ? (filesAt ?? '') : locationOf(url, filename),
  };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new LineError('it is not JSON', { cause });
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new LineError('it is not a JSON object');
}

function missing(field: string): never {
  throw new LineError(`it has no ${field}`);
}

function text(fields: Record<string, unknown>, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !value.isWellFormed()) throw new LineError(`${name} is not a string`);
  return value;
}

function digest(fields: Record<string, unknown>): string {
  const value = text(fields, 'sha256') ?? missing('sha256');
  if (!/^[0-9a-f]{64}$/.test(value)) throw new LineError('sha256 is not 64 hex digits in lower case');
  return value;
}

function size(fields: Record<string, unknown>): number {
  const value = fields['size'];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_FILE_BYTES) return value;
  throw new LineError('size is not a number of bytes');
}

function time(fields: Record<string, unknown>, now: Date): Date {
  const written = text(fields, 'upload_time') ?? text(fields, 'upload-time');
  if (written === undefined) return now;
  return parseUploadTime(written) ?? fail('upload_time is not a time such as 2026-01-02T03:04:05Z');
}

/** PEP 700, and what signed metadata can hold. */
export function parseUploadTime(written: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)$/.test(written)) return undefined;
  const date = new Date(written);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function yankedOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === false) return undefined;
  if (value === true) return '';
  return typeof value === 'string' && value.isWellFormed() ? value : fail('yanked is neither true, false nor a reason');
}

function coreMetadataOf(fields: Record<string, unknown>): { readonly sha256: string; readonly size: number } {
  return { sha256: digest(fields), size: size(fields) };
}

/** pip takes the name of a file from its address, so they must agree; then the address before it says everything. */
export function locationOf(url: string, filename: string): string {
  const parsed = URL.parse(url);
  const plain = parsed && (parsed.protocol === 'https:' || parsed.protocol === 'http:');
  if (!plain || parsed.username !== '' || parsed.password !== '' || parsed.search !== '')
    return fail('url is not an http address without a query and without credentials');
  const slash = parsed.pathname.lastIndexOf('/') + 1;
  if (decoded(parsed.pathname.slice(slash)) !== filename) return fail('url does not end in the filename');
  return parsed.origin + parsed.pathname.slice(0, slash);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function fail(reason: string): never {
  throw new LineError(reason);
}
