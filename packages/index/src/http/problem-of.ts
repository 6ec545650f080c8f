import { PythonIndexError, UploadFormError } from '@holdfast/python-index';
import { TransactionRefusedError } from '@holdfast/trust';
import {
  ClaimedProjectError,
  FilenameTakenError,
  FileUnknownError,
  IndexClosedError,
  NotYourProjectError,
  OutsideDelegationError,
  ObjectStoreError,
  ProjectFullError,
  ProjectUnknownError,
  PublishDelayedError,
  RecordsError,
  RecordsRetiredError,
  StorageFullError,
  UnsignableFileError,
  VersionTakenError,
} from '../errors.ts';
import { BusyError } from '../upload/gate.ts';
import { TooSlowError } from '../upload/pace.ts';
import { versionTaken } from '../transactions/refusals.ts';
import { HttpError, type Problem } from './http-error.ts';

/**
 * What the client is told about an error, or `undefined` when the error is ours and its text is for the log only.
 * Statuses are those that uploaders expect: 400 for nearly everything that the sender must change, 403 for who may not,
 * 5xx for what goes away by itself, because twine and uv then try again.
 */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof HttpError) return error.problem;
  if (error instanceof UploadFormError) {
    return {
      status: error.code === 'UPLOAD_ACTION_GONE' ? 410 : 400,
      code: error.code,
      message: sentence(error.message),
    };
  }
  if (error instanceof PythonIndexError) return { status: 400, code: error.code, message: sentence(error.message) };
  return refusedByIndex(error) ?? comeAgain(error);
}

function refusedByIndex(error: unknown): Problem | undefined {
  if (error instanceof FilenameTakenError) {
    if (error.stagedIn !== undefined) {
      const message = `File already exists: ${error.filename} is staged with other content. Discard that one first: holdfast discard ${error.stagedIn} ${error.filename}`;
      return { status: 400, code: error.code, message };
    }
    // Uploaders look for "already exist" to tell this apart (twine, uv and poetry with their skip options).
    const message = `File already exists: ${error.filename} was published with other content, or was deleted. A filename is never used twice; raise the version and build again.`;
    return { status: 400, code: error.code, message };
  }
  if (error instanceof ProjectFullError) {
    const message = `The files of ${error.project} would take more than the ${error.limit} bytes that a project may have here. Ask the operators of this index for more.`;
    return { status: 400, code: error.code, message };
  }
  if (error instanceof NotYourProjectError) {
    const message = `This token may not publish for ${error.project}: the project belongs to somebody else, or the token was made for another project.`;
    return { status: 403, code: error.code, message };
  }
  if (error instanceof OutsideDelegationError) {
    const message = `${error.filename} is outside of what your keys may sign for. Leave it out, or have a member of the project bring it.`;
    return { status: 403, code: error.code, message };
  }
  if (error instanceof ClaimedProjectError) {
    const message =
      error.standing === 'claimed'
        ? `The developers of ${error.project} sign for it, so the index cannot change its files: holdfast yank ${error.project} signs and sends the change.`
        : `${error.project} is signed with the offline keys of this index, so its files change at the next offline signing. Ask the operators, or claim the project: holdfast claim ${error.project}.`;
    return { status: 409, code: error.code, message };
  }
  if (error instanceof VersionTakenError) return versionTaken(error.project).problem;
  if (error instanceof TransactionRefusedError) {
    return { status: error.code === 'ALREADY_CLAIMED' ? 409 : 422, code: error.code, message: sentence(error.message) };
  }
  if (error instanceof UnsignableFileError) {
    const message = `${error.filename} cannot be described in signed metadata: something in its metadata is too long or not text.`;
    return { status: 400, code: error.code, message };
  }
  if (error instanceof FileUnknownError || error instanceof ProjectUnknownError) {
    return { status: 404, code: error.code, message: sentence(error.message) };
  }
  return undefined;
}

function comeAgain(error: unknown): Problem | undefined {
  if (error instanceof BusyError) {
    return { status: 503, code: error.code, message: error.message, headers: { 'Retry-After': '5' } };
  }
  if (error instanceof TooSlowError) return { status: 408, code: error.code, message: error.message };
  if (error instanceof StorageFullError) {
    const message = 'The index has no space left. Nothing was published; its operators must make room.';
    return { status: 507, code: error.code, message };
  }
  if (error instanceof PublishDelayedError) {
    const message =
      'The file was received but could not be signed yet. Upload it again in a minute to learn whether it was.';
    return { status: 503, code: error.code, message, headers: { 'Retry-After': '60' } };
  }
  if (error instanceof RecordsError || error instanceof ObjectStoreError) {
    const message =
      'The index cannot reach what it keeps its files or records in. Try again in a minute: nothing was acknowledged, and whatever was is not lost.';
    return { status: 503, code: 'STORE_UNAVAILABLE', message, headers: { 'Retry-After': '20' } };
  }
  if (error instanceof RecordsRetiredError) {
    const message = 'The index was recovered elsewhere, and this machine does not know yet. Nothing was taken in.';
    return { status: 503, code: error.code, message, headers: { 'Retry-After': '60' } };
  }
  if (error instanceof IndexClosedError) {
    const message = 'The index is being restarted. Try again in a few seconds.';
    return { status: 503, code: error.code, message, headers: { 'Retry-After': '5' } };
  }
  return undefined;
}

/** A message that was written to follow a colon, as a sentence of its own. Names of roles and files stay as they are. */
function sentence(message: string): string {
  const isName = /^\S*[._/]\S/.test(message);
  const first = isName ? message : message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
