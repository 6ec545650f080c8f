import { UploadFormError, quote } from '../errors.ts';
import { type DistributionFilename, parseDistributionFilename } from '../names/filename.ts';
import type { UploadForm } from './upload-form.ts';

/**
 * Parses the filename of the uploaded part, and checks that it is the project, version and type that the form announces.
 * @throws UploadFormError UPLOAD_FILENAME_MISMATCH
 * @throws InvalidFilenameError
 */
export function checkUploadFilename(form: UploadForm, filename: string): DistributionFilename {
  const parsed = parseDistributionFilename(filename);
  const refuse = (field: string, said: string, found: string): never => {
    throw new UploadFormError(
      'UPLOAD_FILENAME_MISMATCH',
      field,
      `the form says ${field} ${quote(said)}, but the file ${quote(filename)} has ${quote(found)}`,
    );
  };
  if (parsed.kind !== form.kind) refuse('filetype', form.kind, parsed.kind);
  if (form.project !== parsed.project) refuse('name', form.name, parsed.project);
  if (parsed.normalizedVersion !== form.normalizedVersion) refuse('version', form.version, parsed.version);
  return parsed;
}
