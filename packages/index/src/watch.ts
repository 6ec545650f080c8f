/** A piece of work that operators can see: in metrics by how long it takes and how it ends, in traces as a span. */
export interface Step {
  readonly part: 'records' | 'objects' | 'publish' | 'upload';
  /** One of few words, such as `get` or `sign`. */
  readonly operation: string;
}

/** Runs a step and gives back what it gives. */
export type Watch = <T>(step: Step, work: () => Promise<T>) => Promise<T>;

export const unwatched: Watch = (_step, work) => work();

/** Tells each step, once it has ended, to whoever counts. */
export function watchWith(counter: { step(step: Step, seconds: number, failed: boolean): void }): Watch {
  return async (step, work) => {
    const began = performance.now();
    let failed = true;
    try {
      const result = await work();
      failed = false;
      return result;
    } finally {
      counter.step(step, (performance.now() - began) / 1000, failed);
    }
  };
}
