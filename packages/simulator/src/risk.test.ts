import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atRisk, type Protection, PYPI_2014 } from './risk.ts';

/** Percent of the users after four weeks, as the Diplomat paper has them (NSDI 2016). */
const PUBLISHED: readonly (readonly [Protection, number])[] = [
  [{ claimedShare: 0 }, 100],
  [{ claimedShare: 0.001 }, 70],
  [{ claimedShare: 0.01 }, 27],
  [{ claimedShare: 0.1 }, 4],
  ['rarely-updated', 0.67],
];

test('the population of 2014 has about the users at risk that the Diplomat paper counted', () => {
  for (const [protection, published] of PUBLISHED) {
    const percent = 100 * (atRisk(PYPI_2014, protection).at(-1) ?? 0);
    assert.ok(Math.abs(percent - published) < (published < 1 ? 0.01 : 2.5), `${published}: ${percent}`);
  }
});

test('who came later in the month is at risk later, and a larger basket is more at risk', () => {
  const weeks = atRisk(PYPI_2014, { claimedShare: 0.01 });
  assert.deepEqual(
    weeks,
    weeks.toSorted((a, b) => a - b),
  );
  assert.equal(weeks.length, 4);
  const [few = 1, many = 0] = [2.5, 30].map((meanBasket) =>
    atRisk({ ...PYPI_2014, meanBasket }, 'rarely-updated').at(-1),
  );
  assert.ok(many > 5 * few);
});
