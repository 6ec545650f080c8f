import { currentTrace } from './request-context.ts';
import type { Trace, Tracer } from './tracing/tracer.ts';

/** A piece of work that operators can see: in metrics by how long it takes and how it ends, in traces as a span. */
export interface Step {
  readonly part: 'records' | 'objects' | 'publish' | 'upload';
  /** One of few words, such as `get` or `sign`. */
  readonly operation: string;
  /** Of work that is done for many at once: the ids of the changes. */
  readonly changes?: readonly number[];
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

/** Shows each step as a part of the span that it is called in, or of those whose changes it deals with. */
export function watchTraced(
  watch: Watch,
  tracer: Tracer | undefined,
  tracesOf: (changes: readonly number[]) => readonly Trace[] = () => [],
): Watch {
  if (!tracer) return watch;
  return (step, work) => {
    const { part, operation, changes } = step;
    // What the index does by itself, such as sweeping, has no trace.
    if (!changes && !currentTrace()) return watch(step, work);
    const [parent, ...links] = changes ? tracesOf(changes) : [];
    const attributes = changes && { 'holdfast.changes': changes.length };
    return tracer.run({ name: `${part} ${operation}`, parent, links, ...(attributes && { attributes }) }, () =>
      watch(step, work),
    );
  };
}
