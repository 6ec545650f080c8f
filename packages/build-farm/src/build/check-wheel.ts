import {
  bytesSource,
  type CoreMetadata,
  type DistributionMetadata,
  parseDistributionFilename,
  PythonIndexError,
  readDistributionMetadata,
  type SdistFilename,
  type WheelFilename,
} from '@holdfast/python-index';
import { WrongWheelError } from '../errors.ts';

export interface CheckedWheel {
  readonly name: WheelFilename;
  readonly metadata: DistributionMetadata;
}

/**
 * Looks at a wheel as an index does that gets it uploaded, and whether it is one of this sdist: name, version, and what the
 * sdist's own PKG-INFO promised not to change (PEP 643).
 * @throws WrongWheelError
 */
export async function checkWheel(
  filename: string,
  bytes: Uint8Array,
  sdist: SdistFilename,
  promised: CoreMetadata,
): Promise<CheckedWheel> {
  const { name, metadata } = await read(filename, bytes);
  if (name.project !== sdist.project) throw new WrongWheelError(`it is one of ${name.project}`);
  if (name.normalizedVersion !== sdist.normalizedVersion)
    throw new WrongWheelError(`its version is ${name.normalizedVersion}, that of the sdist ${sdist.normalizedVersion}`);
  const [field] = changedFields(promised, metadata.fields);
  if (field !== undefined)
    throw new WrongWheelError(
      `its ${field} is another one, which the sdist's PKG-INFO does not call dynamic (PEP 643)`,
    );
  return { name, metadata };
}

async function read(filename: string, bytes: Uint8Array): Promise<CheckedWheel> {
  try {
    const name = parseDistributionFilename(filename);
    if (name.kind !== 'wheel') throw new WrongWheelError(`${filename} is no wheel`);
    return { name, metadata: await readDistributionMetadata(bytesSource(bytes), filename) };
  } catch (cause) {
    if (!(cause instanceof PythonIndexError)) throw cause;
    throw new WrongWheelError(cause.message, { cause });
  }
}

const FIELDS: readonly (readonly [field: string, value: (metadata: CoreMetadata) => string])[] = [
  ['Requires-Dist', ({ requiresDist }) => sorted(requiresDist)],
  ['Provides-Extra', ({ providesExtra }) => sorted(providesExtra)],
  ['Requires-Python', ({ requiresPython = '' }) => sorted(requiresPython.split(','))],
  ['Requires-External', ({ requiresExternal }) => sorted(requiresExternal)],
  ['Summary', ({ summary = '' }) => summary.trim()],
  ['License-Expression', ({ licenseExpression = '' }) => licenseExpression.trim()],
];

/** Since metadata 2.2 an sdist says which fields its wheels may change; before, all of them. */
function changedFields(promised: CoreMetadata, found: CoreMetadata): readonly string[] {
  const [major = 0, minor = 0] = promised.metadataVersion.split('.').map(Number);
  if (major < 2 || (major === 2 && minor < 2)) return [];
  const dynamic = new Set(promised.dynamic.map((field) => field.toLowerCase()));
  return FIELDS.filter(([field, value]) => !dynamic.has(field.toLowerCase()) && value(promised) !== value(found)).map(
    ([field]) => field,
  );
}

/** Writers differ in order, quotes and spaces. */
const sorted = (values: readonly string[]): string =>
  values
    .map((value) =>
      value
        .replaceAll(/[\s()]/g, '')
        .replaceAll("'", '"')
        .toLowerCase(),
    )
    .toSorted()
    .join('\n');
