import { canonicalize, snapshotJson } from '@holdfast/tuf';

export interface FlatFacts {
  readonly version: number;
  readonly expires: Date;
}

/** Entries that become bytes at once. */
const CHUNK = 20_000;

/**
 * `signed` of a snapshot in canonical form (TUF 1.0.34 §4.4), as `snapshotJson` would make it. Objects for a million roles
 * would take half a gigabyte; this takes the text. Names of roles are plain ASCII.
 */
export function flatSigned(listed: Iterable<readonly [role: string, version: number]>, facts: FlatFacts): Uint8Array {
  const entries = Array.from(listed, ([role, version]) => `"${role}.json":{"version":${version}}`);
  // ASCII sorts alike by code points and by UTF-16 units. The tree is walked by position, which is nearly this order.
  entries.sort();
  const [head = '', tail = ''] = new TextDecoder()
    .decode(canonicalize(snapshotJson({ ...facts, meta: new Map() })))
    .split('"meta":{');
  const encoder = new TextEncoder();
  const parts = [encoder.encode(`${head}"meta":{`)];
  for (let at = 0; at < entries.length; at += CHUNK) {
    parts.push(encoder.encode((at === 0 ? '' : ',') + entries.slice(at, at + CHUNK).join(',')));
  }
  parts.push(encoder.encode(tail));
  return Buffer.concat(parts);
}
