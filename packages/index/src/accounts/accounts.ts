import type { ProjectName } from '@holdfast/python-index';

/** Who asks, as far as a token says. */
export interface Identity {
  readonly account: string;
  /** The token is good for this project only. */
  readonly project?: ProjectName;
}

/** A token as it is listed: never the secret. */
export interface TokenEntry {
  /** Public, to revoke it by. */
  readonly id: string;
  readonly account: string;
  readonly project?: ProjectName;
  readonly label: string;
  readonly createdAt: Date;
  readonly revokedAt?: Date;
}
