export type Verdict = 'ok' | 'warn' | 'fail';

/** What a check found: one line, and what to do about it. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly remedy?: string;
}

export type Found = Omit<Finding, 'check'>;

export const ok = (detail: string): Found => ({ verdict: 'ok', detail });
export const warn = (detail: string, remedy: string): Found => ({ verdict: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Found => ({ verdict: 'fail', detail, remedy });
