/** For how long signed metadata is valid, in seconds (P7). */
export interface Lifetimes {
  readonly timestamp: number;
  readonly snapshot: number;
  /** `unclaimed` and the bins below it: shortened at random by up to a fifth, so that they do not all end together. */
  readonly bins: number;
}

const DAY = 86_400;
export const DEFAULT_LIFETIMES: Lifetimes = { timestamp: DAY, snapshot: 7 * DAY, bins: 90 * DAY };

/** The share of a lifetime that is left when metadata is renewed: an index that is down for less has lost nothing. */
const RENEWAL_SHARE = 0.5;
/** The same for bins: no client needs a new version of one before it ends, and there are many. */
const BIN_RENEWAL_SHARE = 0.25;
/** The greatest share that chance takes off a bin's lifetime. */
const JITTER_SHARE = 0.2;
/** Clocks of one machine differ by less than this, in milliseconds. */
const CLOCK_SLACK_MS = 60_000;

/** When metadata that is signed now ends. Whole seconds: metadata has no finer time (TUF 1.0.34 §4.2.1). */
export function expiry(now: Date, lifetime: number): Date {
  return new Date((Math.floor(now.getTime() / 1000) + lifetime) * 1000);
}

/** The same for a bin; `chance` is from 0 to 1. */
export function binExpiry(now: Date, lifetime: number, chance: number): Date {
  return expiry(now, Math.max(1, Math.round(lifetime * (1 - JITTER_SHARE * chance))));
}

/**
 * The expiry times between which metadata is left alone, in milliseconds. Earlier ones are due. Later ones were signed
 * while the clock was ahead: they would let an attacker replay them for too long, so they are due as well.
 */
export function freshWindow(now: Date, lifetime: number): { readonly from: number; readonly to: number } {
  const lifetimeMs = lifetime * 1000;
  return { from: now.getTime() + lifetimeMs * RENEWAL_SHARE, to: now.getTime() + lifetimeMs + CLOCK_SLACK_MS };
}

/** Bins that end before this, in milliseconds since 1970 UTC, are signed again. */
export function renewalTime(now: Date, lifetime: number): number {
  return now.getTime() + lifetime * 1000 * BIN_RENEWAL_SHARE;
}

export function isDue(expiresAt: number, now: Date, lifetime: number): boolean {
  const { from, to } = freshWindow(now, lifetime);
  return expiresAt < from || expiresAt > to;
}
