import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { buildCase, oddName } from './build.ts';
import { DIFFERENCES, listedPeers } from './differences.ts';
import { runOurs } from './ours.ts';
import { describeFound, disagreements, type Found } from './peers.ts';
import { type Plan, plans } from './plan.ts';

const RUNS = Number(process.env['HOLDFAST_DIFFERENTIAL_RUNS'] ?? 250);
/** The same repositories whenever the tests run: what fails in a change is then the change's. Other seeds look for more. */
const SEED = Number(process.env['HOLDFAST_DIFFERENTIAL_SEED'] ?? 20_261_121);
/** Of all look-ups, so many must find something, or the comparison is hollow. */
const LEAST_FOUND = 0.15;

describe('python-tuf, tuf-js, go-tuf and this package, on generated repositories', () => {
  it(`answer alike but for the listed differences (seed ${SEED}, ${RUNS} repositories)`, async (t) => {
    t.diagnostic(`HOLDFAST_DIFFERENTIAL_SEED=${SEED} repeats this run`);
    const sample = fc.sample(plans, { seed: SEED, numRuns: RUNS });
    const listed = listedPeers();
    const isListed = (plan: Plan, { peer, path }: Found): boolean =>
      DIFFERENCES.some(
        ({ id, cases, mayShow }) =>
          listed.get(id)?.has(peer) === true && (mayShow?.(plan, path) === true || cases?.test(oddName(plan)) === true),
      );
    const found = await disagreements(sample.map(buildCase));
    const surprises = found.filter((item) => {
      const plan = sample[item.index];
      return plan === undefined || !isListed(plan, item);
    });
    assert.deepEqual(
      surprises.slice(0, 5).map((item) => `${describeFound(item)}\n    in ${JSON.stringify(sample[item.index])}`),
      [],
    );
  });

  it('are made so that many targets are found, from many roles, and many steps refused', async () => {
    const counts = { lookups: 0, found: 0, delegated: 0, steps: 0, refused: 0 };
    for (const plan of fc.sample(plans, { seed: 1, numRuns: 100 })) {
      for (const step of (await runOurs(buildCase(plan))).steps) {
        counts.steps++;
        if (step.refused !== undefined) counts.refused++;
        counts.lookups += step.lookups.length;
        counts.found += step.lookups.filter(({ length }) => length !== undefined).length;
        counts.delegated += step.lookups.filter(({ length = 0 }) => length >= 200).length;
      }
    }
    assert.ok(counts.found > LEAST_FOUND * counts.lookups, JSON.stringify(counts));
    assert.ok(counts.delegated > 0.25 * counts.found, JSON.stringify(counts));
    assert.ok(counts.refused > 0.15 * counts.steps && counts.refused < 0.7 * counts.steps, JSON.stringify(counts));
  });
});
