import { HttpError } from '../http/http-error.ts';

const NOTHING = 'Nothing was changed.';

/** The operators chose that the index signs for all. */
export function claimsNotTaken(project: string): HttpError {
  const message = `This index signs for all its projects itself (security model minimum), so ${project} cannot be claimed. Ask its operators for the model legacy or maximum. ${NOTHING}`;
  return new HttpError({ status: 409, code: 'CLAIMS_NOT_TAKEN', message });
}

export function alreadyClaimed(project: string): HttpError {
  const message = `${project} is claimed already. Its keys change by a rotation that a threshold of them signs: holdfast rotate ${project}. ${NOTHING}`;
  return new HttpError({ status: 409, code: 'ALREADY_CLAIMED', message });
}

export function noKeyOfYours(project: string, account: string): HttpError {
  const message = `A claim of ${project} by ${account} must name one of the keys of ${account}. Register yours first: holdfast account add-key. ${NOTHING}`;
  return new HttpError({ status: 422, code: 'CLAIM_WITHOUT_YOUR_KEY', message });
}

export function keyNotRegistered(keyid: string): HttpError {
  const message = `The key ${keyid} is registered with no account of this index, or was removed. Its holder registers it with: holdfast account add-key. ${NOTHING}`;
  return new HttpError({ status: 422, code: 'KEY_NOT_REGISTERED', message });
}

/** Its object is gone: somebody discarded it at that moment. */
export function fileGone(filename: string): HttpError {
  const message = `The bytes of ${filename} are not there any more. Upload the file again, then sign. ${NOTHING}`;
  return new HttpError({ status: 409, code: 'FILE_GONE', message });
}

export function tooManyWaiting(project: string): HttpError {
  const message = `As many transactions of ${project} wait for signatures as may. Sign one of them first (holdfast sign ${project}), or take one back (holdfast withdraw ${project}). ${NOTHING}`;
  return new HttpError({ status: 409, code: 'TOO_MANY_WAITING', message });
}

export function versionTaken(project: string): HttpError {
  const message = `Another change of ${project} came first. Look at what is published now (holdfast status ${project}) and sign the next versions. ${NOTHING}`;
  return new HttpError({ status: 409, code: 'VERSION_TAKEN', message });
}

/** Many projects whose names fall into one bin, or very many roles. */
export function noRoom(project: string): HttpError {
  const message = `The roles of ${project} find no room in signed metadata: too many stand in the place that its name falls into. Delegate to fewer roles, or ask the operators. ${NOTHING}`;
  return new HttpError({ status: 409, code: 'NO_ROOM', message });
}

/** It is in the queue, and no process has published it in time. */
export function transactionDelayed(cause: unknown): HttpError {
  const message =
    'The transaction is recorded but could not be published yet. Send it again in a minute to learn whether it was.';
  const problem = { status: 503, code: 'PUBLISH_DELAYED', message, headers: { 'Retry-After': '60' } };
  return new HttpError(problem, { cause });
}

export function notStaged(project: string, filename: string): HttpError {
  const message = `${project} has no staged file ${filename.slice(0, 255)}. What waits: holdfast status ${project}.`;
  return new HttpError({ status: 404, code: 'NOT_STAGED', message });
}

/** It was signed meanwhile, overtaken, withdrawn or dropped for its age. */
export function notWaiting(project: string): HttpError {
  const message = `No such transaction of ${project} waits for signatures. What waits: holdfast status ${project}.`;
  return new HttpError({ status: 404, code: 'NOT_WAITING', message });
}

export function notYourTransaction(project: string): HttpError {
  const message = `That change of ${project} was brought by somebody else: only they and the members of the project can withdraw it.`;
  return new HttpError({ status: 403, code: 'NOT_YOUR_TRANSACTION', message });
}

export function notYourFile(filename: string): HttpError {
  const message = `${filename} was brought by somebody else: only they and the members of the project can discard it.`;
  return new HttpError({ status: 403, code: 'NOT_YOUR_FILE', message });
}
