import { hash } from 'node:crypto';
import { decodeLookup, lookupPath, snapshotTreeRoot } from '@holdfast/trust';
import { parseTimestamp } from '@holdfast/tuf';
import { loadPaths } from '../lib/load-paths.ts';
import type { ServedIndex } from '../lib/served-index.ts';
import type { Population, PopulationProject } from '../population/population.ts';
import { randomFrom } from '../population/random.ts';

export const CONNECTIONS = 64;
const MOST = 20_000;
/** Each is asked for beforehand, one after the other. */
const MOST_HELD = 3_000;

/**
 * Lookups per second over HTTP: proofs only, for who holds every role; whole answers, each for another project, so that nothing comes
 * from a cache; and by popularity. Asked as our installer asks.
 */
export async function measureLookups(
  { url, port }: ServedIndex,
  population: Population,
): Promise<Record<'proofs' | 'lookups' | 'popular', number>> {
  const root = await currentRoot(url);
  const load = async (paths: readonly string[]): Promise<number> => {
    const headers = { 'accept-encoding': 'zstd' };
    return (await loadPaths({ port, paths, headers, connections: CONNECTIONS })).perSecond;
  };
  const random = randomFrom(2);
  const strange = Array.from({ length: Math.min(MOST, population.projects) }, (_, at) => population.project(at));
  const popular = Array.from({ length: MOST }, () => population.requested(random()));
  const asked = ({ name }: PopulationProject): string => `/${lookupPath(root, name, { have: [], zstd: true })}`;
  const lookups = await load(strange.map(asked));
  const known: string[] = [];
  for (const project of strange.slice(0, MOST_HELD)) known.push(await holding(url, root, project));
  const proofs = await load(known);
  return { proofs, lookups, popular: await load(popular.map(asked)) };
}

/** The question of somebody who holds every role on the way to the project. */
async function holding(url: string, root: string, { name }: PopulationProject): Promise<string> {
  const answer = await fetch(`${url}/${lookupPath(root, name)}`, { headers: { 'accept-encoding': 'identity' } });
  const { files: sent } = decodeLookup(new Uint8Array(await answer.arrayBuffer()));
  return `/${lookupPath(root, name, { have: sent.map(({ bytes }) => hash('sha256', bytes)), zstd: true })}`;
}

/** The root hash of the tree that the newest timestamp names. */
async function currentRoot(url: string): Promise<string> {
  const answer = await fetch(`${url}/metadata/timestamp.json`);
  const root = snapshotTreeRoot(parseTimestamp(new Uint8Array(await answer.arrayBuffer())).signed);
  if (root === undefined) throw new Error('the timestamp names no tree');
  return root;
}
