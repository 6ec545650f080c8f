import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIFFERENCES, listedPeers } from './differences.ts';
import { directedCases } from './directed.ts';
import { describeFound, disagreements } from './peers.ts';

/** One repository for each oddity and each kind of file, read by this package and by three others. */
describe('python-tuf, tuf-js, go-tuf and this package', async () => {
  const names = [...directedCases().keys()];
  const found = await disagreements([...directedCases().values()]);
  const listed = listedPeers();

  it('are compared on every kind of difference that docs/tuf-differences.md lists, and on no other', () => {
    assert.deepEqual([...listed.keys()].sort(), DIFFERENCES.map(({ id }) => id).sort());
    assert.ok(names.length > 500);
  });

  it('answer alike wherever no listed difference says otherwise', () => {
    const surprises = found.filter(({ peer, index }) => {
      const rows = DIFFERENCES.filter(({ cases }) => cases?.test(names[index] ?? '') === true);
      return !rows.some(({ id }) => listed.get(id)?.has(peer) === true);
    });
    assert.deepEqual(
      surprises.map((item) => `${names[item.index]}\n${describeFound(item)}`),
      [],
    );
  });

  for (const { id, cases } of DIFFERENCES) {
    it(`differ in ${id} exactly as listed`, () => {
      assert.ok(cases !== undefined, 'no directed case');
      const seen = found.filter(({ index }) => cases.test(names[index] ?? '')).map(({ peer }) => peer);
      for (const peer of listed.get(id) ?? []) assert.ok(seen.includes(peer), `${peer} does as we do`);
    });
  }
});
