import { type ProjectName, parseFilenameOf } from '@holdfast/python-index';
import { type JsonObject, type JsonValue, type TargetFile, toJson } from '@holdfast/tuf';
import { InvalidTargetError } from './errors.ts';
import { type TargetPath, parseTargetPath, targetPath } from './target-path.ts';

/** What signed metadata says about one distribution file. The format is specified in docs/formats/targets.md. */
export interface Distribution {
  readonly project: ProjectName;
  readonly filename: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly uploadTime: Date;
  /** A PEP 440 specifier, as in the distribution's METADATA. */
  readonly requiresPython?: string;
  /** PEP 592: `true`, or the reason. */
  readonly yanked?: true | string;
  /** PEP 658: the METADATA file that is served beside a wheel. */
  readonly coreMetadata?: { readonly sha256: string; readonly size: number };
}

/** The path and the TUF target of a distribution. */
export function encodeTarget(distribution: Distribution): { path: TargetPath; file: TargetFile } {
  const { coreMetadata, requiresPython, yanked } = distribution;
  const custom = toJson({
    ...(coreMetadata && { 'core-metadata': { length: coreMetadata.size, sha256: coreMetadata.sha256 } }),
    ...(requiresPython !== undefined && { 'requires-python': requiresPython }),
    'upload-time': distribution.uploadTime.toISOString(),
    ...(yanked !== undefined && { yanked }),
  }) as JsonObject;
  const file = { length: distribution.size, hashes: new Map([['sha256', distribution.sha256]]), custom };
  return { path: targetPath(distribution.project, distribution.filename), file };
}

/**
 * Reads a verified target. Unknown fields are ignored, so that the format can grow (M14).
 * @throws InvalidTargetError when the entry could mislead an installer: wrong path, another project's file, no SHA-256.
 */
export function decodeTarget(path: string, file: TargetFile): Distribution {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new InvalidTargetError(path, reason, { cause });
  };
  const parts = parseTargetPath(path) ?? refuse('the path is not <bin>/<project>/<filename>');
  try {
    parseFilenameOf(parts.project, parts.filename);
  } catch (cause) {
    refuse('the filename is not that of a wheel or an sdist of the project', cause);
  }
  const sha256 = hexDigest(file.hashes.get('sha256')) ?? refuse('it has no SHA-256');
  const custom: JsonObject = file.custom ?? new Map();
  const uploadTime = readDate(custom.get('upload-time')) ?? refuse('it has no valid upload-time');
  const requiresPython = custom.get('requires-python');
  const yanked = custom.get('yanked');
  const coreMetadata = readCoreMetadata(custom.get('core-metadata'), refuse);
  return {
    project: parts.project,
    filename: parts.filename,
    sha256,
    size: file.length,
    uploadTime,
    ...(typeof requiresPython === 'string' && { requiresPython }),
    ...((yanked === true || typeof yanked === 'string') && { yanked }),
    ...(coreMetadata && { coreMetadata }),
  };
}

const hexDigest = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : undefined;

function readDate(value: JsonValue | undefined): Date | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(value)) return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function readCoreMetadata(
  value: JsonValue | undefined,
  refuse: (reason: string) => never,
): { sha256: string; size: number } | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Map)) return refuse('core-metadata is not an object');
  const fields = value as JsonObject;
  const sha256 = hexDigest(fields.get('sha256'));
  const size = fields.get('length');
  if (sha256 === undefined || typeof size !== 'number' || size < 0)
    return refuse('core-metadata lacks sha256 or length');
  return { sha256, size };
}
