import { hash } from 'node:crypto';
import { SnapshotTree } from '@holdfast/trust';
import { filesArgument } from './lib/arguments.ts';
import { report } from './lib/report.ts';
import { saveResult } from './lib/results.ts';
import { serveIndex } from './lib/served-index.ts';
import { Population } from './population/population.ts';
import { randomFrom } from './population/random.ts';
import { CONNECTIONS, measureLookups } from './scale/lookups.ts';

/**
 * Proofs per second: by the function itself, in a tree as large as that of 20 million files; and by one `holdfast serve`, over HTTP, where each
 * request is for another project, so that nothing is answered from a cache. `proofs.ts [--files N]`
 */
const files = filesArgument();

const population = new Population(files);
const bare = provenPerSecond();
const index = await serveIndex({ files });
const measured = await measureLookups(index, population);
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
