/** The directory for the offline keys cannot be used: keys are there already, or it lies inside the index. */
export class OfflineDirectoryError extends Error {
  readonly code = 'OFFLINE_DIRECTORY';
  readonly directory: string;
  readonly reason: 'holds keys already' | 'lies inside the index';

  constructor(directory: string, reason: OfflineDirectoryError['reason']) {
    super(`${directory} ${reason}`);
    this.name = 'OfflineDirectoryError';
    this.directory = directory;
    this.reason = reason;
  }
}

/** A file that is carried between the index and the holders of offline keys is not what it should be. Nothing of it was used. */
export class OfflineFileError extends Error {
  readonly code = 'OFFLINE_FILE';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} cannot be used: ${reason}`, options);
    this.name = 'OfflineFileError';
    this.path = path;
    this.reason = reason;
  }
}

/** What an export says does not hold: a signature, a chain, a tree. Nothing may be signed because of it. */
export class ExportRefusedError extends Error {
  readonly code = 'EXPORT_REFUSED';
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`nothing of this file may be signed: ${reason}`, options);
    this.name = 'ExportRefusedError';
    this.reason = reason;
  }
}

/** The keys at hand sign nothing of what is to be signed. */
export class NothingToSignError extends Error {
  readonly code = 'NOTHING_TO_SIGN';

  constructor(message: string) {
    super(message);
    this.name = 'NothingToSignError';
  }
}

/** Signatures that do not belong to this export, are not valid, or do not reach a threshold. Nothing was changed. */
export class SignaturesRefusedError extends Error {
  readonly code = 'SIGNATURES_REFUSED';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SignaturesRefusedError';
  }
}

/** Keys or thresholds with which nobody could ever sign. */
export class HoldersError extends Error {
  readonly code = 'HOLDERS';

  constructor(message: string) {
    super(message);
    this.name = 'HoldersError';
  }
}
