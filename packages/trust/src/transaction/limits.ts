/** Bytes of a transaction as it is sent, and so the most that one role can have. */
export const MAX_TRANSACTION_BYTES: number = 16 << 20;

/**
 * Roles that a project delegates to, at all depths. A search visits at most 33 roles (TUF 1.0.34 §5.6.7, as the reference implementation
 * counts): `targets`, three trees of seven levels, the project's own role, and these. So every client finds what they list.
 */
export const MAX_DELEGATIONS_OF_PROJECT = 10;

/** Keys of one role. */
export const MAX_KEYS = 32;

/** Patterns of one delegation, and characters of one. */
export const MAX_PATTERNS = 32;
export const MAX_PATTERN_LENGTH = 400;

/** Clients follow no more than 64 rotate files of one role (TAP 8); the last one is kept for a revocation. */
export const MAX_ROTATIONS = 64;

/** Years that metadata may be valid for. */
export const MAX_YEARS = 10;
