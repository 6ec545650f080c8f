import { normalQuantile, randomFrom, shuffle } from './random.ts';

/** Files per project: lognormal with this median. PyPI's median project has a handful of files, its mean 27. */
const MEDIAN_FILES = 5;
const MOST_FILES = 10_000;
/** PyPI in 2026: 20 million files in 736 000 projects. */
export const FILES_PER_PROJECT = 20_000_000 / 736_000;
/** Exactly as many files as the goals speak of; how many projects of each, at most. */
export const MEASURED_SIZES = [28, 500] as const;
const MEASURED_OF_EACH = 32;

/**
 * How many files each project has; together exactly `files`. The lognormal's quantiles instead of draws from it: a small population then
 * has the shape of the large one, and no luck with its largest project. σ follows from mean and median, and is corrected for the cut
 * at 10 000 files and for rounding, by halving.
 */
export function filesPerProject(files: number, seed: number): Uint32Array {
  const projects = Math.max(1, Math.round(files / FILES_PER_PROJECT));
  const normal = Float64Array.from({ length: projects }, (_, at) => normalQuantile((at + 0.5) / projects));
  const most = Math.min(MOST_FILES, Math.max(1, Math.floor(files / 8)));
  const sizes = (sigma: number): Uint32Array =>
    Uint32Array.from(normal, (z) => Math.max(1, Math.min(most, Math.round(MEDIAN_FILES * Math.exp(sigma * z)))));
  let [low, high] = [0, 6];
  for (let step = 0; step < 40; step++) {
    const sigma = (low + high) / 2;
    if (sum(sizes(sigma)) < files) low = sigma;
    else high = sigma;
  }
  const result = sizes(high);
  setMeasured(result);
  balance(result, files);
  return shuffle(result, randomFrom(seed));
}

/** Gives the projects whose size is nearest to a measured one exactly that size: of 500 files, at most a fifth of all. */
function setMeasured(sorted: Uint32Array): void {
  const total = sum(sorted);
  for (const size of MEASURED_SIZES) {
    const count = Math.min(MEASURED_OF_EACH, Math.floor(total / 5 / size));
    const first = Math.max(0, sorted.findIndex((value) => value >= size) - count);
    sorted.fill(size, first, Math.min(sorted.length, first + count));
  }
}

/** Adds or takes a file here and there, never of a project of a measured size, until the sum is right. */
function balance(sizes: Uint32Array, files: number): void {
  const measured = new Set<number>(MEASURED_SIZES);
  let rest = files - sum(sizes);
  for (
    let at = sizes.length - 1, idle = 0;
    rest !== 0 && idle < sizes.length;
    at = at > 0 ? at - 1 : sizes.length - 1
  ) {
    const size = sizes[at] ?? 0;
    const changed = size + Math.sign(rest);
    idle++;
    if (measured.has(size) || measured.has(changed) || changed < 1) continue;
    sizes[at] = changed;
    rest -= Math.sign(rest);
    idle = 0;
  }
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
