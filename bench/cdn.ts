import { type Line, report } from './lib/report.ts';

/**
 * What a CDN can answer of the lookups, on paper: the address of a lookup holds the root hash, so every publication begins with an empty
 * cache. For cadences of publication and rates of requests: how many different addresses are asked for under one root, and so how many
 * requests reach the origin. Caches are counted as one (an origin shield); popularity as in bench/population.
 */
const CADENCES = [1, 10, 60, 600];
/** Lookups a second that reach the CDN, and projects that they spread over. */
const WORLDS = [
  { name: 'PyPI in 2026: 40 000 lookups/s, 736 000 projects', rate: 40_000, projects: 736_000 },
  { name: '10^6 requests/s: 500 000 lookups/s, 36.8 million projects', rate: 500_000, projects: 36_800_000 },
];
/**
 * What askers hold is in the address too: nothing, or the branches down to one of five levels, or an older leaf. The share of each among the
 * askers of one project; a guess, and the ratios hardly depend on it.
 */
const HELD = [0.3, 0.05, 0.1, 0.1, 0.05, 0.4];

for (const { name, rate, projects } of WORLDS) {
  const weights = popularity(projects);
  const lines = CADENCES.flatMap((seconds): Line[] => {
    const requests = rate * seconds;
    const misses = HELD.reduce((sum, share) => sum + distinct(weights, requests * share), 0);
    return [
      {
        what: `a root every ${seconds} s: answered by the CDN`,
        value: `${(100 * (1 - misses / requests)).toFixed(2)} %`,
      },
      { what: `a root every ${seconds} s: to the origin`, value: `${(misses / seconds).toFixed(0)}/s` },
    ];
  });
  report('Lookups behind a CDN', name, lines);
}

/** The shares of projects in all requests, by rank, in groups of ranks that hardly differ. */
function popularity(projects: number): readonly { readonly count: number; readonly share: number }[] {
  const groups: { count: number; share: number }[] = [];
  let total = 0;
  for (let first = 0; first < projects; ) {
    const count = Math.min(projects - first, Math.max(1, Math.floor((first + 80) / 100)));
    const weight = (first + count / 2 + 79.5) ** -1.9;
    groups.push({ count, share: weight });
    total += count * weight;
    first += count;
  }
  return groups.map(({ count, share }) => ({ count, share: share / total }));
}

/** How many different projects so many requests ask for. */
function distinct(weights: ReturnType<typeof popularity>, requests: number): number {
  return weights.reduce((sum, { count, share }) => sum + count * (1 - Math.exp(-requests * share)), 0);
}
