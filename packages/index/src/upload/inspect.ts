import {
  type CoreMetadata,
  type DistributionFilename,
  type UploadDigests,
  checkUploadFilename,
  interpretUploadForm,
  readDistributionMetadata,
} from '@holdfast/python-index';
import { HttpError } from '../http/http-error.ts';
import { type FormDigest, digestContent } from './digests.ts';
import type { ReceivedFile, ReceivedForm } from './receive.ts';

/** An upload whose form, name, digests and content agree. */
export interface InspectedUpload {
  readonly file: ReceivedFile;
  readonly name: DistributionFilename;
  /** METADATA or PKG-INFO, out of the distribution itself. */
  readonly metadata: Uint8Array;
  readonly fields: CoreMetadata;
  /** The uploader wants the file to wait until its project is claimed and signed: the field `holdfast_stage`. */
  readonly stage: boolean;
}

/**
 * Compares what the form claims with what arrived: file name, digests, and the name and version inside the archive. What
 * is published comes from the archive; the form's copy of the metadata is not even read.
 * Throws `PythonIndexError` or `HttpError` with the first disagreement.
 */
export async function inspectUpload({ fields, file }: ReceivedForm): Promise<InspectedUpload> {
  const form = interpretUploadForm(fields);
  if (file === undefined) {
    const message = 'The upload form has no file: a part named "content" with a filename is missing.';
    throw new HttpError({ status: 400, code: 'FILE_MISSING', message });
  }
  const name = checkUploadFilename(form, file.filename);
  await compareDigests(form.digests, file);
  const content = await readDistributionMetadata(file.content, file.filename);
  return { file, name, ...content, stage: fields.get('holdfast_stage')?.includes('true') === true };
}

async function compareDigests(claimed: UploadDigests, file: ReceivedFile): Promise<void> {
  const others = (['md5', 'blake2_256'] as const).filter((algorithm) => claimed[algorithm] !== undefined);
  const digests = new Map<FormDigest | 'sha256', string>(await digestContent(file.content, others));
  digests.set('sha256', file.sha256);
  for (const [algorithm, found] of digests) {
    const expected = claimed[algorithm];
    if (expected === undefined || expected === found) continue;
    const message = `The file arrived with ${algorithm} ${found}, but the form says ${expected}. It was damaged on its way, or changed while it was sent; upload it again.`;
    throw new HttpError({ status: 400, code: 'DIGEST_MISMATCH', message });
  }
}
