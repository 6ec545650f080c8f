/** How long a new version of a role is valid, in seconds. */
export interface Lifetimes {
  /** Seconds. */
  readonly root: number;
  /** Seconds. */
  readonly targets: number;
  /** Seconds; for every delegated role. */
  readonly delegated: number;
  /** Seconds. */
  readonly snapshot: number;
  /** Seconds. */
  readonly timestamp: number;
}

const DAY = 86_400;

/** What is signed by hand lasts a year; what a machine signs is short, since whoever stops it can freeze readers that long. */
export const DEFAULT_LIFETIMES: Lifetimes = {
  root: 365 * DAY,
  targets: 365 * DAY,
  delegated: 90 * DAY,
  snapshot: 7 * DAY,
  timestamp: DAY,
};

export function expiryOf(role: string, lifetimes: Lifetimes, now: Date): Date {
  const { delegated, ...topLevel } = lifetimes;
  const lifetime = new Map(Object.entries(topLevel)).get(role) ?? delegated;
  return new Date(now.getTime() + lifetime * 1000);
}
