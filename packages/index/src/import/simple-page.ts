import { attributesOf, tagsNamed } from './html-tags.ts';
import { parseUploadTime } from './lines-source.ts';

/** A file as a page of the Simple API lists it (PEP 503, 691); nothing of it is checked yet but its types. */
export interface ListedFile {
  readonly filename: string;
  /** Absolute, without a fragment. */
  readonly url: string;
  /** Lower-case hex; undefined where the page gives none. */
  readonly sha256: string | undefined;
  readonly requiresPython: string | undefined;
  readonly uploadTime: Date | undefined;
  /** The reason, perhaps empty. */
  readonly yanked: string | undefined;
  /** Of the METADATA file beside it: its hash; empty where the page gives none. */
  readonly coreMetadata: string | undefined;
}

/** A page that is not what the Simple API says. */
export class SimplePageError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** @param at the address that the page came from, after redirects */
export function readProjectPage(text: string, isJson: boolean, at: string): readonly ListedFile[] {
  return isJson ? jsonFiles(text, at) : htmlFiles(text, at);
}

/** The names of all projects, as they are written. */
export function readRootPage(text: string, isJson: boolean): readonly string[] {
  if (!isJson) return anchors(text, 'https://none.invalid/').map(({ filename }) => filename);
  return list(parse(text)['projects']).map((project) => textOf(objectOf(project)['name'], 'a project without a name'));
}

function jsonFiles(text: string, at: string): readonly ListedFile[] {
  return list(parse(text)['files']).map((each) => {
    const file = objectOf(each);
    const core = file['core-metadata'] ?? file['data-dist-info-metadata'] ?? file['dist-info-metadata'];
    return {
      filename: textOf(file['filename'], 'a file without a filename'),
      url: absolute(textOf(file['url'], 'a file without an address'), at).url,
      sha256: digestOf(objectOf(file['hashes'])['sha256']),
      requiresPython: optionalText(file['requires-python']),
      uploadTime: parseUploadTime(optionalText(file['upload-time']) ?? ''),
      yanked: file['yanked'] === true ? '' : optionalText(file['yanked']),
      coreMetadata:
        core === true
          ? ''
          : typeof core === 'object' && core !== null
            ? (digestOf(objectOf(core)['sha256']) ?? '')
            : undefined,
    };
  });
}

function htmlFiles(text: string, at: string): readonly ListedFile[] {
  return anchors(text, at).map(({ filename, url, fragment, attributes }) => {
    const core = attributes.get('data-core-metadata') ?? attributes.get('data-dist-info-metadata');
    return {
      filename,
      url,
      sha256: digestOf(/^sha256=(.*)$/.exec(fragment)?.[1]),
      requiresPython: attributes.get('data-requires-python'),
      uploadTime: undefined,
      yanked: attributes.get('data-yanked'),
      coreMetadata: core === undefined ? undefined : (digestOf(/^sha256=(.*)$/.exec(core)?.[1]) ?? ''),
    };
  });
}

interface Anchor {
  /** The last part of the address, where installers take the name from; of a page's, the part before its slash. */
  readonly filename: string;
  readonly url: string;
  readonly fragment: string;
  readonly attributes: ReadonlyMap<string, string>;
}

function anchors(text: string, at: string): readonly Anchor[] {
  const [base] = tagsNamed('base', text);
  const from = absolute((base && attributesOf(base).get('href')) ?? '', at).url;
  return [...tagsNamed('a', text)].flatMap((tag) => {
    const attributes = attributesOf(tag);
    const href = attributes.get('href');
    if (href === undefined) return [];
    const { url, fragment, name } = absolute(href, from);
    return [{ filename: name, url, fragment, attributes }];
  });
}

function absolute(address: string, from: string): { url: string; fragment: string; name: string } {
  const url = URL.parse(address, from);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw new SimplePageError('an odd address');
  const fragment = url.hash.slice(1);
  url.hash = '';
  const name = url.pathname.split('/').findLast((part) => part !== '') ?? '';
  return { url: url.href, fragment, name: decode(name) };
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** PEP 629: another major version is refused. */
function parse(text: string): Fields {
  let page: Fields;
  try {
    page = objectOf(JSON.parse(text));
  } catch (cause) {
    throw new SimplePageError('it is not a JSON object', { cause });
  }
  const version = optionalText(objectOf(page['meta'] ?? {})['api-version']) ?? '1.0';
  if (!/^1\.\d+$/.test(version)) throw new SimplePageError('it speaks another version of the Simple API');
  return page;
}

function objectOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new SimplePageError('an object is missing');
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new SimplePageError('a list is missing');
}

function textOf(value: unknown, otherwise: string): string {
  const found = optionalText(value);
  if (found === undefined) throw new SimplePageError(otherwise);
  return found;
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' && value.isWellFormed() ? value : undefined;
}

function digestOf(value: unknown): string | undefined {
  const digest = optionalText(value)?.toLowerCase();
  return digest !== undefined && /^[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}
