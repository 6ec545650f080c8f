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
