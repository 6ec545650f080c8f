import type { SaidProject } from './compare.ts';

/** What one state says of the project with this name. */
export interface NamedProject extends SaidProject {
  readonly project: string;
}

/** A project as each of the states has it, in their order. */
export interface MergedProject {
  readonly project: string;
  readonly states: readonly (SaidProject | undefined)[];
}

/**
 * Walks several states of an index at once, each in ascending order of the names of its projects: whatever the number of projects, one
 * of each state is in memory.
 * @throws RangeError when one of them is not in order
 */
export async function* mergeProjects(
  ...states: readonly (AsyncIterable<NamedProject> | Iterable<NamedProject>)[]
): AsyncGenerator<MergedProject, void> {
  const readers = states.map((state) => inOrder(state));
  try {
    const heads = await Promise.all(readers.map(next));
    for (;;) {
      const project = leastOf(heads);
      if (project === undefined) return;
      const same = heads.map((head) => (head?.project === project ? head : undefined));
      yield { project, states: same };
      for (const [at, reader] of readers.entries()) if (same[at]) heads[at] = await next(reader);
    }
  } finally {
    for (const reader of readers) await reader.return();
  }
}

type Reader = AsyncGenerator<NamedProject, void, void>;

async function next(reader: Reader): Promise<NamedProject | undefined> {
  return (await reader.next()).value ?? undefined;
}

function leastOf(heads: readonly (NamedProject | undefined)[]): string | undefined {
  let least: string | undefined;
  for (const head of heads) if (head && (least === undefined || head.project < least)) least = head.project;
  return least;
}

async function* inOrder(state: AsyncIterable<NamedProject> | Iterable<NamedProject>): Reader {
  let last: string | undefined;
  for await (const each of state) {
    if (last !== undefined && each.project <= last) throw new RangeError(`${each.project} is out of order`);
    last = each.project;
    yield each;
  }
}
