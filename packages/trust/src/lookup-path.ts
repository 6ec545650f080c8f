import type { ProjectName } from '@holdfast/python-index';

/** The most files that an address names. */
export const MAX_HAVE = 64;

/** What an asker says about itself: docs/formats/lookup.md, "Request". */
export interface Asker {
  /** SHA-256, in lower-case hex, of the role files that it holds. The first 64 are named. */
  readonly have: Iterable<string>;
  /** Whether it reads zstd, and so can be sent coded files. */
  readonly zstd: boolean;
}

/**
 * Where to ask for a project under a root hash, relative to the index's root. There is one spelling for each question, so that caches
 * hold each answer once.
 * @param rootHash lower-case hex, from a verified timestamp
 * @example
 * lookupPath(root, project, { have: held.keys(), zstd: true }) // 'lookup/5f…/flask?have=0a1b2c3d.99887766&coding=zstd'
 */
export function lookupPath(
  rootHash: string,
  project: ProjectName,
  { have, zstd }: Asker = { have: [], zstd: false },
): string {
  const path = `lookup/${rootHash}/${project}`;
  const digits = [...new Set([...have].map((digest) => digest.slice(0, 8)))].slice(0, MAX_HAVE).sort();
  const query = [...(digits.length > 0 ? [`have=${digits.join('.')}`] : []), ...(zstd ? ['coding=zstd'] : [])];
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

const QUERY = /^\?(?:have=([0-9a-f]{8}(?:\.[0-9a-f]{8})*)(&coding=zstd)?|(coding=zstd))$/;

/** Reads the query of such an address, with its question mark; `undefined` when {@link lookupPath} does not make it. */
export function readAsker(query: string): { readonly have: readonly string[]; readonly zstd: boolean } | undefined {
  if (query === '') return { have: [], zstd: false };
  const match = QUERY.exec(query);
  if (match === null) return undefined;
  const have = match[1]?.split('.') ?? [];
  const ascending = have.every((digits, at) => at === 0 || digits > (have[at - 1] ?? ''));
  return have.length > MAX_HAVE || !ascending ? undefined : { have, zstd: (match[2] ?? match[3]) !== undefined };
}
