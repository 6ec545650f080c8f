import { encodeTarget } from '@holdfast/trust';
import { canonicalize, targetsJson } from '@holdfast/tuf';
import { UnsignableFileError } from '../errors.ts';
import type { NewFile } from './new-file.ts';

/** Greatest size of what signed metadata says about one file, in bytes: everyone who looks for its neighbours reads it. */
const MAX_ENTRY_BYTES = 4_096;
/** Greatest length of the reason for a yank, in UTF-16 units. */
const MAX_REASON_LENGTH = 1_000;

/**
 * What cannot be encoded must not reach the queue: it would stop everyone else's changes.
 * @throws UnsignableFileError
 */
export function assertSignable(file: NewFile): void {
  const { coreMetadata, requiresPython, ...facts } = file;
  let bytes: number;
  try {
    const { path, file: target } = encodeTarget({
      ...facts,
      ...(coreMetadata && { coreMetadata }),
      ...(requiresPython !== undefined && { requiresPython }),
    });
    bytes = canonicalize(
      targetsJson({ version: 1, expires: file.uploadTime, targets: new Map([[path, target]]) }),
    ).length;
  } catch (cause) {
    throw new UnsignableFileError(file.filename, { cause });
  }
  if (bytes > MAX_ENTRY_BYTES) throw new UnsignableFileError(file.filename);
}

/** A reason for a yank as it is signed: text that every encoding can hold, and not longer than anyone reads. */
export function signableReason(reason: string): string {
  return reason.slice(0, MAX_REASON_LENGTH).toWellFormed();
}
