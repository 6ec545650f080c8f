import { PathPattern } from '../delegation/pattern.ts';
import { FormatError } from '../errors.ts';
import { parseJson } from '../json/parse.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import { asArray, asFlag, asInteger, asObject, asString, asStrings, without } from '../parse/fields.ts';
import { checkRepositoryName } from './repository-name.ts';

/** Which repositories must agree on the targets of some paths (TAP 4). */
export interface RepositoryMapping {
  /** For which target paths; one match is enough. */
  readonly paths: readonly PathPattern[];
  /** Names of the map's repositories, in the order in which they are asked. */
  readonly repositories: readonly string[];
  /** How many of them must announce the same length and hashes. */
  readonly threshold: number;
  /** Whether the search ends here when they do not. */
  readonly terminating: boolean;
}

/** The map file of TAP 4, `map.json`: kept by the client, never fetched from a repository. */
export interface RepositoryMap {
  /** Addresses of each repository's mirrors, by name. A name is one path segment, on any file system. */
  readonly repositories: ReadonlyMap<string, readonly string[]>;
  /** In order of priority. */
  readonly mappings: readonly RepositoryMapping[];
}

/** Finding out who agrees takes up to 2^n steps for n repositories of one mapping. */
const MAX_IN_MAPPING = 16;

const MAX = { bytes: 1_000_000, repositories: 64, mirrors: 32, mappings: 1024, paths: 1024, pathLength: 1024 } as const;

/**
 * Reads a map file. Strict, since a misspelt `terminating` would open the search to repositories that were to be shut
 * out: members that TAP 4 does not name are refused; an absent `terminating` is false.
 * @throws FormatError
 */
export function parseRepositoryMap(bytes: Uint8Array): RepositoryMap {
  if (bytes.length > MAX.bytes) throw new FormatError('map', `is longer than ${MAX.bytes} bytes`);
  const document = members(parseJson(bytes), ['repositories', 'mapping'], 'map');
  const repositories = parseRepositories(document.get('repositories'));
  const listed = atMost(asArray(document.get('mapping'), 'mapping'), MAX.mappings, 'mapping');
  return { repositories, mappings: listed.map((entry) => parseMapping(entry, repositories)) };
}

function parseRepositories(value: JsonValue | undefined): ReadonlyMap<string, readonly string[]> {
  const repositories = new Map<string, readonly string[]>();
  const folded = new Set<string>();
  for (const [name, urls] of atMost([...asObject(value, 'repositories')], MAX.repositories, 'repositories')) {
    const where = `repositories[${JSON.stringify(name)}]`;
    checkRepositoryName(name, where);
    // Each name is a directory, and some file systems take `PyPI` and `pypi` for the same one.
    if (folded.has(name.toLowerCase())) throw new FormatError(where, 'differs from another name only in case');
    folded.add(name.toLowerCase());
    repositories.set(
      name,
      oneOrMore(asStrings(urls, where), MAX.mirrors, where).map((url) => mirrorUrl(url, where)),
    );
  }
  return repositories;
}

function mirrorUrl(text: string, where: string): string {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new FormatError(where, `${JSON.stringify(text)} is not an absolute address without query, fragment and user`);
  return text;
}

function parseMapping(value: JsonValue, known: ReadonlyMap<string, unknown>): RepositoryMapping {
  const entry = members(value, ['paths', 'repositories', 'threshold', 'terminating'], 'mapping[]');
  const where = 'mapping[].repositories';
  const repositories = oneOrMore(asStrings(entry.get('repositories'), where), MAX_IN_MAPPING, where);
  for (const name of repositories) if (!known.has(name)) throw new FormatError(where, `${name} is not in repositories`);
  if (new Set(repositories).size !== repositories.length) throw new FormatError(where, 'lists a repository twice');
  const threshold = asInteger(entry.get('threshold'), 1, 'mapping[].threshold');
  if (threshold > repositories.length)
    throw new FormatError('mapping[].threshold', `is ${threshold}, but there are ${repositories.length} repositories`);
  return {
    paths: oneOrMore(asArray(entry.get('paths'), 'mapping[].paths'), MAX.paths, 'mapping[].paths').map(pathPattern),
    repositories,
    threshold,
    terminating: asFlag(entry.get('terminating'), 'mapping[].terminating'),
  };
}

function pathPattern(value: JsonValue): PathPattern {
  const text = asString(value, 'mapping[].paths');
  if (text === '' || text.length > MAX.pathLength)
    throw new FormatError('mapping[].paths', `should hold strings of 1 to ${MAX.pathLength} characters`);
  return new PathPattern(text);
}

function members(value: JsonValue, names: readonly string[], where: string): JsonObject {
  const object = asObject(value, where);
  for (const name of without(object, new Set(names)).keys())
    throw new FormatError(where, `has the unknown member ${JSON.stringify(name)}`);
  return object;
}

function oneOrMore<T>(items: readonly T[], limit: number, where: string): readonly T[] {
  if (items.length === 0) throw new FormatError(where, 'is empty');
  return atMost(items, limit, where);
}

function atMost<T>(items: readonly T[], limit: number, where: string): readonly T[] {
  if (items.length > limit) throw new FormatError(where, `lists more than ${limit}`);
  return items;
}
