import type { ListedVersion } from '@holdfast/trust';
import { canonicalize, snapshotJson } from '@holdfast/tuf';

export interface FlatFacts {
  readonly version: number;
  readonly expires: Date;
}

/** Entries that become bytes at once. */
const CHUNK = 20_000;

/** What `meta` says of a role, whose name is plain ASCII. */
export function flatEntry({ role, version, file }: ListedVersion): string {
  const digest = file ? `"hashes":{"sha256":"${file.sha256}"},"length":${file.length},` : '';
  return `"${role}.json":{${digest}"version":${version}}`;
}

/**
 * `signed` of a snapshot in canonical form (TUF 1.0.34 §4.4), as `snapshotJson` would make it. Objects for a million roles
 * would take half a gigabyte; this takes the text.
 * @param entries are put into order
 */
export function flatSigned(entries: string[], facts: FlatFacts): Uint8Array {
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
