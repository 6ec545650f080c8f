import { FormatError, type Metadata, parseTargets, type Targets } from '@holdfast/tuf';
import { asCanonical } from './canonical.ts';
import { MAX_YEARS } from './limits.ts';
import { TransactionRefusedError } from './refused.ts';

/** A new version, with the canonical form of its signed part. @throws TransactionRefusedError (`FORMAT`) */
export function readRole(role: string, bytes: Uint8Array): Metadata<Targets> {
  try {
    return asCanonical(role, parseTargets(bytes));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new TransactionRefusedError('FORMAT', role, `it is no targets metadata: ${cause.message}.`, { cause });
  }
}

/**
 * A new version comes right after the one that it replaces, and is valid now, but not for ever.
 * @param expected the number that it has to have
 * @throws TransactionRefusedError (`VERSION`, `EXPIRED`, `EXPIRES_TOO_LATE`)
 */
export function checkVersionAndExpiry(role: string, { version, expires }: Targets, expected: number, now: Date): void {
  if (version !== expected)
    throw new TransactionRefusedError(
      'VERSION',
      role,
      `it has the version ${version}, and the next one is ${expected}. Fetch what is published now, and make the change anew.`,
    );
  if (expires.getTime() <= now.getTime())
    throw new TransactionRefusedError(
      'EXPIRED',
      role,
      `it expired at ${expires.toISOString()}. Sign it anew with a later date, and check this machine's clock.`,
    );
  const latest = new Date(now);
  latest.setUTCFullYear(now.getUTCFullYear() + MAX_YEARS);
  if (expires.getTime() > latest.getTime())
    throw new TransactionRefusedError(
      'EXPIRES_TOO_LATE',
      role,
      `it would be valid until ${expires.toISOString()}. Choose a date within ${MAX_YEARS} years: one day its keys are in other hands.`,
    );
}
