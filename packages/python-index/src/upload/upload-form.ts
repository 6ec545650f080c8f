import { PythonIndexError, UploadFormError, quote } from '../errors.ts';
import { type ProjectName, normalizeName } from '../names/project-name.ts';
import { normalizeVersion } from '../names/version.ts';
import { type UploadDigests, readDigests } from './digests.ts';
import { readAttestations } from './attestations.ts';
import { cleanFields, optional, required } from './fields.ts';

/** What an uploader claims about the file that it sends. All of it is checked against the file, none of it is believed. */
export interface UploadForm {
  readonly action: 'file_upload';
  readonly protocolVersion: '1';
  readonly kind: 'wheel' | 'sdist';
  /** The name as the client sent it: twine changes it, the others send the metadata's. */
  readonly name: string;
  readonly project: ProjectName;
  readonly version: string;
  readonly normalizedVersion: string;
  /** Lower-case hex. At least one of sha256 and blake2_256 is there. */
  readonly digests: UploadDigests;
  /** PEP 740: the JSON array of attestations as sent. It is well-formed JSON, and nothing in it was verified. */
  readonly attestations?: string;
}

/** Actions of clients from long ago, and of poetry when it believes that a project must be registered first. */
const GONE = new Set(['submit', 'submit_pkg_info', 'doc_upload', 'verify', 'password_reset', 'user']);

/**
 * Interprets the fields of `POST /legacy/` as twine, uv, poetry, pdm, hatch and flit send them: in any order, before or
 * after the file, each with one or several values. Fields that say nothing about the file are ignored: the metadata comes
 * from the distribution itself.
 * @throws UploadFormError
 */
export function interpretUploadForm(fields: ReadonlyMap<string, readonly string[]>): UploadForm {
  const form = cleanFields(fields);
  const action = required(form, ':action');
  if (GONE.has(action))
    throw new UploadFormError(
      'UPLOAD_ACTION_GONE',
      ':action',
      `the action ${quote(action)} is no longer served; upload the file itself`,
    );
  if (action !== 'file_upload')
    throw new UploadFormError(
      'UPLOAD_ACTION_UNKNOWN',
      ':action',
      `the action ${quote(action)} is unknown; send file_upload`,
    );
  const protocol = optional(form, 'protocol_version') ?? '1';
  if (protocol !== '1')
    throw new UploadFormError(
      'UPLOAD_PROTOCOL_UNKNOWN',
      'protocol_version',
      `the upload protocol ${quote(protocol)} is unknown; send 1`,
    );
  const kind = readKind(required(form, 'filetype'), optional(form, 'pyversion'));
  const name = required(form, 'name');
  const version = required(form, 'version');
  const attestations = readAttestations(optional(form, 'attestations'));
  return {
    action,
    protocolVersion: protocol,
    kind,
    name,
    project: orInvalid('name', () => normalizeName(name)),
    version,
    normalizedVersion: orInvalid('version', () => normalizeVersion(version)),
    digests: readDigests(form),
    ...(attestations !== undefined && { attestations }),
  };
}

function readKind(filetype: string, pyversion: string | undefined): 'wheel' | 'sdist' {
  if (filetype !== 'sdist' && filetype !== 'bdist_wheel')
    throw new UploadFormError(
      'UPLOAD_FILETYPE_UNSUPPORTED',
      'filetype',
      `distributions of type ${quote(filetype)} are not accepted; upload a wheel or an sdist`,
    );
  const kind = filetype === 'sdist' ? 'sdist' : 'wheel';
  // flit sends no pyversion for an sdist; everybody else sends "source" for it and something else for a wheel.
  if (pyversion !== undefined && (pyversion === 'source') !== (kind === 'sdist'))
    throw new UploadFormError(
      'UPLOAD_FIELD_INVALID',
      'pyversion',
      `the Python version ${quote(pyversion)} does not fit the file type ${filetype}; an sdist has "source", a wheel has its Python tag`,
    );
  return kind;
}

function orInvalid<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof PythonIndexError)) throw cause;
    throw new UploadFormError('UPLOAD_FIELD_INVALID', field, cause.message, { cause });
  }
}
