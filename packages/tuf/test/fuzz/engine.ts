import type { Coverage } from './coverage.ts';
import { mutate, pump, Random, spliced } from './mutate.ts';
import { bytesOf, type FuzzTarget } from './target.ts';

/** Between two looks at the coverage, which cost as much as many inputs. */
const BATCH = 64;
/** One input of so many has a piece repeated until it is so many times as long as others may be. */
const PUMPED = 1500;
const PUMPED_FACTOR = 16;
/** Bytes, where a target does not say. */
const MAX_LENGTH = 4096;
const SHRINK_TRIES = 150;

export interface Progress {
  readonly executions: number;
  readonly inputs: number;
  readonly characters: number;
}

export interface FuzzOptions {
  readonly coverage: Coverage;
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  readonly until: () => boolean;
  /** Before every run. */
  readonly onBegin: (input: Uint8Array) => void;
  /** For every input worth keeping. */
  readonly onInput: (input: Uint8Array) => void;
  readonly onProgress: (progress: Progress) => void;
}

/** An input that broke a promise; `cause` says which. */
export class Finding extends Error {
  readonly input: Uint8Array;

  constructor(input: Uint8Array, cause: unknown) {
    super(cause instanceof Error ? cause.message : 'failed', { cause });
    this.name = 'Finding';
    this.input = input;
  }
}

/**
 * Coverage-guided fuzzing: inputs that run code which no earlier one ran are kept and mutated further.
 * @throws Finding for the first input that breaks its target's promise, or takes more steps than its length allows
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<Progress> {
  const run = new FuzzRun(target, options);
  await run.start();
  while (!options.until()) await run.batch();
  return run.progress;
}

class FuzzRun {
  private readonly target: FuzzTarget;
  private readonly options: FuzzOptions;
  private readonly random: Random;
  private readonly dictionary: readonly Uint8Array[];
  private readonly inputs: Uint8Array[] = [];
  private readonly labels = new Set<string>();
  /** The last input of every label, whatever it ran: so that inputs can also change without running anything new. */
  private readonly drifting = new Map<string, Uint8Array>();
  /** Long inputs are slow: only those that are worth it may be. */
  private readonly driftLength: number;
  private executions = 0;

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.target = target;
    this.options = options;
    this.random = new Random(options.seed);
    this.dictionary = target.dictionary.map(bytesOf);
    this.driftLength = Math.max(256, ...target.seeds.map((seed) => bytesOf(seed).length));
  }

  private get maxLength(): number {
    return this.target.maxLength ?? MAX_LENGTH;
  }

  get progress(): Progress {
    return { executions: this.executions, inputs: this.inputs.length, characters: this.options.coverage.size };
  }

  async start(): Promise<void> {
    this.options.coverage.sample(false);
    for (const input of this.target.seeds.map(bytesOf)) await this.examine(input, false);
    for (const input of this.options.corpus) await this.examine(input, false);
    if (this.inputs.length === 0) throw new Error('no seed runs any code');
  }

  async batch(): Promise<void> {
    const { coverage } = this.options;
    const batch = Array.from({ length: BATCH }, () => this.next());
    const labels = await this.execute(batch);
    const hasNewLabel = labels.some((label) => !this.labels.has(label));
    for (const [index, label] of labels.entries()) {
      const input = batch[index];
      if (input !== undefined && input.length <= this.driftLength) this.drifting.set(label, input);
    }
    if (coverage.sample(false).isNew || hasNewLabel) for (const input of batch) await this.examine(input, true);
    if (this.random.below(Math.ceil(PUMPED / BATCH)) === 0)
      await this.examine(pump(this.pick(), this.random, this.maxLength * PUMPED_FACTOR), false, false);
  }

  /** Runs one input alone: counts its steps, and keeps it when it runs something new. */
  private async examine(input: Uint8Array, shrinks: boolean, keeps = true): Promise<void> {
    const { coverage } = this.options;
    const [label = ''] = await this.execute([input]);
    const { isNew, steps } = coverage.sample(false);
    const limit = this.target.stepLimit(input.length);
    if (steps > limit) throw new Finding(input, new Error(`${steps} steps for ${input.length} bytes, not ${limit}`));
    if (!keeps || (!isNew && this.labels.has(label))) return;
    const kept = shrinks ? await this.shrink(input, label) : input;
    await this.execute([kept]);
    coverage.sample(true);
    this.labels.add(label);
    this.inputs.push(kept);
    if (shrinks) {
      this.options.onInput(kept);
      this.options.onProgress(this.progress);
    }
  }

  /** Leaves out pieces as long as the rest still runs something new, or has the new label. */
  private async shrink(input: Uint8Array, label: string): Promise<Uint8Array> {
    const wantsLabel = !this.labels.has(label);
    let best = input;
    let size = Math.max(1, best.length >> 1);
    for (let tries = 0, at = 0; tries < SHRINK_TRIES && best.length > 1; tries++) {
      if (at >= best.length) {
        if (size === 1) break;
        size = Math.max(1, size >> 2);
        at = 0;
      }
      const shorter = spliced(best, at, Math.min(best.length, at + size), new Uint8Array(0));
      const [outcome] = await this.execute([shorter]);
      const { isNew } = this.options.coverage.sample(false);
      if (wantsLabel ? outcome === label : isNew && outcome === label) best = shorter;
      else at += size;
    }
    return best;
  }

  private async execute(batch: readonly Uint8Array[]): Promise<readonly string[]> {
    const labels: string[] = [];
    for (const input of batch) {
      this.options.onBegin(input);
      try {
        const outcome = this.target.run(input);
        labels.push(typeof outcome === 'string' ? outcome : await outcome);
      } catch (cause) {
        throw new Finding(input, cause);
      }
    }
    this.executions += batch.length;
    return labels;
  }

  private next(): Uint8Array {
    const { random, dictionary, maxLength } = this;
    return mutate(this.pick(), { random, dictionary, other: this.pick(), maxLength });
  }

  private pick(): Uint8Array {
    const { random, inputs, drifting } = this;
    const from = random.below(2) === 0 ? inputs : [...drifting.values()];
    return random.pick(from) ?? inputs[0] ?? new Uint8Array(0);
  }
}
