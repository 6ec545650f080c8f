/** A part of a representation: first and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a Range field asks for: everything, a part, or a part that does not exist (416). */
export type RangeRequest = 'whole' | 'unsatisfiable' | ByteRange;

const SINGLE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/**
 * Reads a Range field (RFC 9110 §14.2). Several ranges in one request, other units and nonsense are answered with the
 * whole: the RFC allows it, no installer sends them, and a list of ranges is a known way to make servers work.
 */
export function parseRange(header: string | undefined, size: number): RangeRequest {
  const match = header === undefined ? null : SINGLE_RANGE.exec(header.trim());
  if (match === null) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return 'whole';
  return start >= size ? 'unsatisfiable' : { start, end };
}

/**
 * Whether the Range field of this request counts (RFC 9110 §13.1.5): without If-Range always, with it only when it
 * holds exactly our strong tag. A date never matches, for we send no Last-Modified.
 */
export function rangeApplies(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}
