/** Who installs what from an index, as far as it matters for who is at risk when the index is stolen. */
export interface Population {
  readonly projects: number;
  /** A user's project is that of rank r with a probability proportional to (r + offset) ** -exponent. */
  readonly offset: number;
  readonly exponent: number;
  /** Different projects that a user installs in a month; how many is distributed geometrically, from one on. */
  readonly meanBasket: number;
  /** The share of these that did not exist when the month began. */
  readonly newborn: number;
  /** The share of the month's users who came by the end of each week. */
  readonly arrived: readonly number[];
}

/** PyPI from 21 March to 19 April 2014, as the Diplomat paper counted it: this population gives its figures. */
export const PYPI_2014: Population = {
  projects: 40_600,
  offset: 30,
  exponent: 1.8,
  meanBasket: 2.5,
  newborn: 0.0027,
  arrived: [0.29, 0.53, 0.76, 1],
};

/** PyPI in 2024, by the downloads of that May: a few projects are a part of nearly everything. */
export const PYPI_2024: Population = { ...PYPI_2014, projects: 543_357, offset: 80, exponent: 1.9 };

/** Which projects are out of the reach of whoever has all online keys: the most popular ones, by share; or all but the newborn. */
export type Protection = { readonly claimedShare: number } | 'rarely-updated';

/**
 * The share of a month's users who installed something that a thief of all online keys could have forged, unnoticed since the
 * month began, by the end of each week: who has one project at risk is at risk.
 */
export function atRisk(population: Population, protection: Protection): readonly number[] {
  const { meanBasket, newborn, arrived } = population;
  const share = protection === 'rarely-updated' ? 1 : shareOfTop(population, protection.claimedShare);
  const safe = share * (1 - newborn);
  const stop = 1 / meanBasket;
  // The generating function of the geometric distribution: the chance that all projects of a basket are safe.
  const allSafe = (stop * safe) / (1 - (1 - stop) * safe);
  return arrived.map((users) => users * (1 - allSafe));
}

/** How much of what is installed is among the most popular `share` of the projects. */
function shareOfTop({ projects, offset, exponent }: Population, share: number): number {
  let [top, all] = [0, 0];
  for (let rank = 1; rank <= projects; rank++) {
    const weight = (rank + offset) ** -exponent;
    all += weight;
    if (rank <= projects * share) top += weight;
  }
  return top / all;
}
