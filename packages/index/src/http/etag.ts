/** Wraps an opaque value as a strong entity tag (RFC 9110 §8.8.3). The value must not contain a quote. */
export function strongEtag(value: string): string {
  return `"${value}"`;
}

/**
 * Whether an If-None-Match field matches the tag, by weak comparison (RFC 9110 §13.1.2): a proxy that compressed our
 * answer may have weakened the tag on its way.
 */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag) return true;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => {
    const value = candidate.trim();
    return (value.startsWith('W/') ? value.slice(2) : value) === etag;
  });
}
