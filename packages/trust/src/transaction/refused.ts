/**
 * Why a transaction was refused. Codes are stable; docs/formats/project-transaction.md lists them with what to do.
 * - what was sent: `FORMAT`, `EMPTY`, `TOO_LARGE`, `OTHER_INDEX`
 * - the project's standing: `NOT_CLAIMED`, `ALREADY_CLAIMED`, `REVOKED`, `ROTATION_REPEATED`, `TOO_MANY_ROTATIONS`
 * - keys that cannot be had: `KEYS`
 * - versions and time: `VERSION`, `EXPIRED`, `EXPIRES_TOO_LATE`
 * - signatures: `UNSIGNED`, `WRONG_KEY`, `BAD_SIGNATURE`, `ROLE_UNSIGNED`
 * - which roles there are: `ROLE_NAME`, `ROLE_NOT_DELEGATED`, `ROLE_MISSING`
 * - delegations: `DELEGATION_NAME`, `DELEGATION_OUTSIDE`, `DELEGATION_FORM`, `TOO_DEEP`, `TOO_MANY_DELEGATIONS`
 * - files: `FILE_FORM`, `FILE_OUTSIDE`, `FILE_UNKNOWN`, `FILE_MISMATCH`, `FILE_CHANGED`, `FILE_TWICE`
 */
export const TRANSACTION_FAULTS = [
  'FORMAT',
  'EMPTY',
  'TOO_LARGE',
  'OTHER_INDEX',
  'NOT_CLAIMED',
  'ALREADY_CLAIMED',
  'REVOKED',
  'ROTATION_REPEATED',
  'TOO_MANY_ROTATIONS',
  'KEYS',
  'VERSION',
  'EXPIRED',
  'EXPIRES_TOO_LATE',
  'UNSIGNED',
  'WRONG_KEY',
  'BAD_SIGNATURE',
  'ROLE_UNSIGNED',
  'ROLE_NAME',
  'ROLE_NOT_DELEGATED',
  'ROLE_MISSING',
  'DELEGATION_NAME',
  'DELEGATION_OUTSIDE',
  'DELEGATION_FORM',
  'TOO_DEEP',
  'TOO_MANY_DELEGATIONS',
  'FILE_FORM',
  'FILE_OUTSIDE',
  'FILE_UNKNOWN',
  'FILE_MISMATCH',
  'FILE_CHANGED',
  'FILE_TWICE',
] as const;
export type TransactionFault = (typeof TRANSACTION_FAULTS)[number];

/** A project transaction that breaks a rule (M6). Nothing of it may be kept. The message says what, why, and what to do. */
export class TransactionRefusedError extends Error {
  readonly code: TransactionFault;
  /** The role that the fault is in, or the entry of the rotate file; `undefined` when it is in none. */
  readonly role: string | undefined;

  /** @param sentence what is wrong and what to do, for whoever sent the transaction */
  constructor(code: TransactionFault, role: string | undefined, sentence: string, options?: ErrorOptions) {
    super(role === undefined ? sentence : `${role}: ${sentence}`, options);
    this.name = 'TransactionRefusedError';
    this.code = code;
    this.role = role;
  }
}
