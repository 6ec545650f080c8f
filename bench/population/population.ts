import type { ProjectName } from '@holdfast/python-index';
import { type PopulationFile, projectFiles } from './files.ts';
import { projectName } from './names.ts';
import { mixSeed, randomFrom } from './random.ts';
import { filesPerProject } from './sizes.ts';

export interface PopulationProject {
  readonly number: number;
  readonly name: ProjectName;
  readonly files: number;
}

/**
 * An index shaped like PyPI, of any size and always the same for the same seed. Each project can be made without the others; the whole
 * takes a few bytes a project.
 */
export class Population {
  readonly files: number;
  readonly #seed: number;
  readonly #sizes: Uint32Array;
  #ranking: Uint32Array | undefined;

  constructor(files: number, seed = 458) {
    this.files = files;
    this.#seed = seed;
    this.#sizes = filesPerProject(files, seed);
  }

  get projects(): number {
    return this.#sizes.length;
  }

  project(number: number): PopulationProject {
    return { number, name: projectName(number), files: this.#sizes[number] ?? 0 };
  }

  filesOf({ name, number, files }: PopulationProject): Generator<PopulationFile> {
    return projectFiles(name, number, files, this.#seed);
  }

  /** Projects with exactly so many files. */
  withFiles(count: number, most: number): readonly PopulationProject[] {
    const found: PopulationProject[] = [];
    for (let at = 0; at < this.projects && found.length < most; at++)
      if (this.#sizes[at] === count) found.push(this.project(at));
    return found;
  }

  /**
   * A project as an installation asks for it: rank r has the weight (r+80)^-1.9, as the downloads of 2024.
   * @param share from 0 to 1, evenly distributed
   */
  requested(share: number): PopulationProject {
    // The integral of (r+80)^-1.9 over the ranks, turned round.
    const [top, bottom] = [80 ** -0.9, (80 + this.projects) ** -0.9];
    const rank = Math.floor((top - share * (top - bottom)) ** (-1 / 0.9) - 80);
    this.#ranking ??= rankBySize(this.#sizes, this.#seed);
    return this.project(this.#ranking[Math.min(this.projects - 1, Math.max(0, rank))] ?? 0);
  }
}

/**
 * Project numbers, the most popular first. Larger projects are more popular, though not one by one: chance counts half as
 * much again as the logarithm of the size, so that the hundred at the top have some hundreds of files each.
 */
function rankBySize(sizes: Uint32Array, seed: number): Uint32Array {
  const random = randomFrom(mixSeed(seed, -2));
  const scores = Float64Array.from(sizes, (size) => Math.log(size) + 6.6 * (random() + random() - 1));
  const order = Uint32Array.from(sizes, (_, at) => at);
  return order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}
