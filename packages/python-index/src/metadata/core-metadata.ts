import { InvalidMetadataError, quote } from '../errors.ts';
import { parseHeaders } from './headers.ts';

/** Core metadata (METADATA or PKG-INFO), versions 1.0 to 2.x. Every value is the distribution's own text. */
export interface CoreMetadata {
  readonly metadataVersion: string;
  readonly name: string;
  readonly version: string;
  readonly summary?: string;
  readonly description?: string;
  readonly descriptionContentType?: string;
  readonly keywords?: string;
  readonly author?: string;
  readonly authorEmail?: string;
  readonly maintainer?: string;
  readonly maintainerEmail?: string;
  readonly license?: string;
  readonly licenseExpression?: string;
  readonly homePage?: string;
  readonly downloadUrl?: string;
  readonly requiresPython?: string;
  readonly licenseFiles: readonly string[];
  readonly classifiers: readonly string[];
  readonly platforms: readonly string[];
  readonly requiresDist: readonly string[];
  readonly requiresExternal: readonly string[];
  readonly providesExtra: readonly string[];
  readonly projectUrls: readonly string[];
  readonly dynamic: readonly string[];
}

/** Largest core metadata that is read, in bytes. The largest on PyPI are descriptions of about 1 MB. */
export const MAX_METADATA_BYTES = 4 * 1024 * 1024;

/**
 * Parses core metadata. A field that may stand once and stands twice is refused: readers disagree on which one counts.
 * Unknown fields are ignored; so are unknown minor versions, while a major version above 2 is refused, as the
 * specification demands.
 * @throws InvalidMetadataError
 */
export function parseCoreMetadata(bytes: Uint8Array): CoreMetadata {
  if (bytes.length > MAX_METADATA_BYTES)
    throw new InvalidMetadataError(`it is larger than ${MAX_METADATA_BYTES} bytes`);
  const { fields, body } = parseHeaders(bytes);
  const many = (field: string): readonly string[] => (fields.get(field.toLowerCase()) ?? []).map(unfold);
  const once = (field: string): string | undefined => {
    const values = fields.get(field.toLowerCase()) ?? [];
    if (values.length > 1) throw new InvalidMetadataError(`the field ${field} stands ${values.length} times`);
    const [value] = values;
    // Old tools write UNKNOWN for what they were not told.
    return value === '' || value === 'UNKNOWN' ? undefined : value;
  };
  const must = (field: string): string => {
    const value = once(field);
    if (value === undefined) throw new InvalidMetadataError(`the field ${field} is missing`);
    return value;
  };
  const metadataVersion = must('Metadata-Version');
  if (!/^[12]\.\d{1,3}$/.test(metadataVersion))
    throw new InvalidMetadataError(`the metadata version ${quote(metadataVersion)} is unknown`);
  const requiresPython = once('Requires-Python');
  const optional = {
    summary: once('Summary'),
    description: readDescription(once('Description'), body),
    descriptionContentType: once('Description-Content-Type'),
    keywords: once('Keywords'),
    author: once('Author'),
    authorEmail: once('Author-email'),
    maintainer: once('Maintainer'),
    maintainerEmail: once('Maintainer-email'),
    license: once('License'),
    licenseExpression: once('License-Expression'),
    homePage: once('Home-page'),
    downloadUrl: once('Download-URL'),
    requiresPython: requiresPython === undefined ? undefined : unfold(requiresPython),
  };
  return {
    metadataVersion,
    name: must('Name'),
    version: must('Version'),
    ...withoutUndefined(optional),
    licenseFiles: many('License-File'),
    classifiers: many('Classifier'),
    platforms: many('Platform'),
    requiresDist: many('Requires-Dist'),
    requiresExternal: many('Requires-External'),
    providesExtra: many('Provides-Extra'),
    projectUrls: many('Project-URL'),
    dynamic: many('Dynamic'),
  };
}

const unfold = (value: string): string => value.replaceAll('\n', ' ');

/** The description is the body, or a folded field whose continuation lines begin with `|` (core metadata 1.x). */
function readDescription(field: string | undefined, body: string | undefined): string | undefined {
  if (body !== undefined && body.trim() !== '') {
    if (field !== undefined) throw new InvalidMetadataError('it has two descriptions');
    return body;
  }
  return field?.replaceAll('\n|', '\n');
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends Record<string, string | undefined>>(values: T): Present<T>;
function withoutUndefined(values: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/**
 * The requirements that name an address instead of a version (`name @ https://…`, PEP 508). An index should refuse them in
 * uploads: what they bring comes past every signature.
 */
export function directUrlRequirements(metadata: CoreMetadata): readonly string[] {
  return metadata.requiresDist.filter((text) => /^\s*[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*@/.test(text));
}
