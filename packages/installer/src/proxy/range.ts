/** A part of a file, both ends included; `unsatisfiable` when it lies outside; `undefined` to send everything. */
export type Range = { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined;

/**
 * One `bytes=` range of RFC 9110 §14. Several ranges, other units and nonsense are ignored, as the RFC allows, and so is
 * a range whose If-Range names other content.
 */
export function parseRange(range: string | undefined, ifRange: string | undefined, etag: string, size: number): Range {
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const start = Math.max(0, size - Number(last));
    return Number(last) === 0 || size === 0 ? 'unsatisfiable' : { start, end: size - 1 };
  }
  if (Number(first) >= size) return 'unsatisfiable';
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return end < Number(first) ? undefined : { start: Number(first), end };
}

/** Whether If-None-Match names this entity tag (RFC 9110 §13.1.2, weak comparison). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
