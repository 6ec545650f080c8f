import { createHash } from 'node:crypto';
import { consistentTargetPath, targetPath } from '@holdfast/trust';
import type { Identity } from '../accounts/accounts.ts';
import type { FileBefore } from '../catalog.ts';
import { FilenameTakenError } from '../errors.ts';
import type { ServedIndex } from '../http/served-index.ts';
import type { NewFile } from '../publish/new-file.ts';
import type { InspectedUpload } from './inspect.ts';
import type { UploadLimits } from './limits.ts';

export interface StoreOptions {
  readonly identity: Identity;
  readonly uploadTime: Date;
  readonly limits: UploadLimits;
  /** What there was of the file when it began to arrive; none when that was not asked. */
  readonly before: FileBefore | undefined;
}

/**
 * Moves the file, and its metadata beside it, to where installers will fetch them, and says what is to be published. The
 * objects come before the row that lists them: a listed file is always there. Nobody finds an object that is not listed.
 */
export async function storeUpload(
  index: ServedIndex,
  upload: InspectedUpload,
  { identity, uploadTime, limits, before }: StoreOptions,
): Promise<NewFile> {
  const { file, name, metadata, fields } = upload;
  // Publishing refuses a taken name in any case; to see it here leaves no unlisted object behind.
  const isTaken = before?.sha256 !== undefined && before.sha256 !== file.sha256;
  if (isTaken && !(before.isStaged && (await index.transactions.giveWay(identity, name.project, file.filename))))
    throw new FilenameTakenError(file.filename, before.isStaged ? name.project : undefined);
  const key = `targets/${consistentTargetPath(targetPath(name.project, file.filename), file.sha256)}`;
  // Metadata is served for wheels only: an sdist's may change when it is built (PEP 643).
  const core = name.kind === 'wheel' ? { sha256: sha256Hex(metadata), size: metadata.length } : undefined;
  await Promise.all([
    core && index.objects.put(`${key}.metadata`, metadata),
    index.objects.put(key, await file.content.source()),
  ]);
  return {
    project: name.project,
    displayName: fields.name,
    filename: file.filename,
    version: name.version,
    kind: name.kind,
    size: file.content.size,
    sha256: file.sha256,
    coreMetadata: core,
    requiresPython: fields.requiresPython,
    account: identity.account,
    tokenProject: identity.project,
    stage: upload.stage,
    uploadTime,
    limits: { projectBytes: limits.projectBytes },
  };
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
