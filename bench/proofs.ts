import { hash } from 'node:crypto';
import { decodeLookup, lookupPath, snapshotTreeRoot, SnapshotTree } from '@holdfast/trust';
import { parseTimestamp } from '@holdfast/tuf';
import { filesArgument } from './lib/arguments.ts';
import { loadPaths } from './lib/load-paths.ts';
import { report } from './lib/report.ts';
import { saveResult } from './lib/results.ts';
import { type ServedIndex, serveIndex } from './lib/served-index.ts';
import { Population, type PopulationProject } from './population/population.ts';
import { randomFrom } from './population/random.ts';

/**
 * Proofs per second: by the function itself, in a tree as large as that of 20 million files; and by one `holdfast serve`, over HTTP, where each
 * request is for another project, so that nothing is answered from a cache. `proofs.ts [--files N]`
 */
const files = filesArgument();
const CONNECTIONS = 64;
const MOST = 20_000;

const population = new Population(files);
const bare = provenPerSecond();
const index = await serveIndex({ files });
const measured = await serving(index);
await index.stop();
report(
  'Proofs and lookups per second',
  `${files} files in ${population.projects} projects; the function in a tree of ${bare.roles} roles; ${CONNECTIONS} connections, the load on the same cores`,
  [
    {
      what: 'proofs, the function',
      value: `${bare.perSecond.toFixed(0)}/s`,
      goal: '≥ 10000/s',
      met: bare.perSecond >= 10_000,
    },
    { what: 'HTTP, proof only (the asker has the roles)', value: `${measured.proofs.toFixed(0)}/s` },
    { what: 'HTTP, proof and roles, new project each', value: `${measured.lookups.toFixed(0)}/s` },
    {
      what: 'HTTP, by popularity',
      value: `${measured.popular.toFixed(0)}/s`,
      goal: '≥ 10000/s',
      met: measured.popular >= 10_000,
    },
  ],
);
await saveResult('proofs', files, { roles: bare.roles, bare: bare.perSecond, ...measured });

/** A tree whose every role of up to five digits exists: a little over a million. */
function provenPerSecond(): { readonly roles: number; readonly perSecond: number } {
  const tree = new SnapshotTree();
  for (let digits = 1; digits <= 5; digits++) {
    for (let at = 0; at < 16 ** digits; at++) {
      const role = `unclaimed.${at.toString(16).padStart(digits, '0')}`;
      tree.set({ role, version: 2, length: 9_000, sha256: hash('sha256', role) });
    }
  }
  const root = tree.commit();
  const random = randomFrom(1);
  const bins = Array.from({ length: 100_000 }, () =>
    Math.floor(random() * 2 ** 24)
      .toString(16)
      .padStart(6, '0'),
  );
  const began = performance.now();
  for (const bin of bins) tree.prove(root, bin);
  return { roles: tree.size, perSecond: bins.length / ((performance.now() - began) / 1000) };
}

async function serving({ url, port }: ServedIndex): Promise<Record<'proofs' | 'lookups' | 'popular', number>> {
  const timestamp = new Uint8Array(await (await fetch(`${url}/metadata/timestamp.json`)).arrayBuffer());
  const root = snapshotTreeRoot(parseTimestamp(timestamp).signed);
  if (root === undefined) throw new Error('the timestamp names no tree');
  const load = async (paths: readonly string[]): Promise<number> => {
    const headers = { 'accept-encoding': 'zstd' };
    return (await loadPaths({ port, paths, headers, connections: CONNECTIONS })).perSecond;
  };
  const random = randomFrom(2);
  const strange = Array.from({ length: Math.min(MOST, population.projects) }, (_, at) => population.project(at));
  const popular = Array.from({ length: MOST }, () => population.requested(random()));
  const lookups = await load(strange.map(({ name }) => `/${lookupPath(root, name)}`));
  const proofs = await load(await Promise.all(strange.map((project) => holding(url, root, project))));
  return { proofs, lookups, popular: await load(popular.map(({ name }) => `/${lookupPath(root, name)}`)) };
}

/** The question of somebody who holds every role on the way to the project. */
async function holding(url: string, root: string, { name }: PopulationProject): Promise<string> {
  const answer = await fetch(`${url}/${lookupPath(root, name)}`, { headers: { 'accept-encoding': 'identity' } });
  const { files: sent } = decodeLookup(new Uint8Array(await answer.arrayBuffer()));
  return `/${lookupPath(root, name, { have: sent.map(({ bytes }) => hash('sha256', bytes)), deltas: true })}`;
}
