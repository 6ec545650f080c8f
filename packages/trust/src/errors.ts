/** A signed target that does not say what a distribution file of its path must say. */
export class InvalidTargetError extends Error {
  readonly code = 'INVALID_TARGET';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`the signed entry for ${JSON.stringify(path)} is not a distribution of that project: ${reason}`, options);
    this.name = 'InvalidTargetError';
    this.path = path;
    this.reason = reason;
  }
}

/** A proof, or a whole snapshot tree, that does not show what it should. Nothing of it may be used. */
export class ProofError extends Error {
  readonly code = 'PROOF';
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`the proof of what the snapshot lists was refused: ${reason}`, options);
    this.name = 'ProofError';
    this.reason = reason;
  }
}
