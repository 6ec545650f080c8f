/** A published file, as an index recorded it at some moment. */
export interface FileState {
  readonly filename: string;
  readonly project: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The reason; empty when none was given; undefined when it is not yanked. */
  readonly yanked: string | undefined;
  readonly uploadTime: Date;
  /** Who uploaded it. */
  readonly account: string;
  /** Who answers for the project: only `unclaimed` and `recently-claimed` are signed with keys that a thief of the index has. */
  readonly standing: 'unclaimed' | 'recently-claimed' | 'claimed' | 'rarely-updated';
}

/**
 * What became of a file since a moment that was good:
 * - `changed`: other bytes under the same name, which no honest index does
 * - `removed`, `added`, `yanked`, `unyanked`: what people do as well, and thieves
 * - `moved`: another kind of keys answers for it, and nothing else
 */
export type FileFate = 'changed' | 'removed' | 'added' | 'yanked' | 'unyanked' | 'moved';

export interface FileDifference {
  readonly fate: FileFate;
  readonly before: FileState | undefined;
  readonly now: FileState | undefined;
  /** Whether a thief of all online keys could have done it: then it has to be looked into. */
  readonly forgeable: boolean;
}

/**
 * Compares what an index publishes with what it published at the last moment that was good (PEP 458 "Recovery from a compromise"; P18,
 * M12). Both in ascending order of their filenames, one at a time, so any number may come.
 * @throws RangeError when one of them is not in order
 */
export async function* compareFiles(
  before: AsyncIterable<FileState>,
  now: AsyncIterable<FileState>,
): AsyncGenerator<FileDifference> {
  const [old, present] = [inOrder(before), inOrder(now)];
  let [a, b] = [await old.next(), await present.next()];
  while (a.done !== true || b.done !== true) {
    const [left, right] = [a.done === true ? undefined : a.value, b.done === true ? undefined : b.value];
    if (left && (!right || left.filename < right.filename)) {
      yield difference('removed', left, undefined);
      a = await old.next();
    } else if (right && (!left || right.filename < left.filename)) {
      yield difference('added', undefined, right);
      b = await present.next();
    } else if (left && right) {
      const fate = fateOf(left, right);
      if (fate) yield difference(fate, left, right);
      [a, b] = [await old.next(), await present.next()];
    }
  }
}

function fateOf(before: FileState, now: FileState): FileFate | undefined {
  if (before.sha256 !== now.sha256 || before.project !== now.project) return 'changed';
  if (before.yanked === undefined && now.yanked !== undefined) return 'yanked';
  if (before.yanked !== undefined && now.yanked === undefined) return 'unyanked';
  return before.standing === now.standing ? undefined : 'moved';
}

function difference(fate: FileFate, before: FileState | undefined, now: FileState | undefined): FileDifference {
  // What a claimed or rarely updated project lists, developers or offline keys signed: then and now.
  const kept = (state: FileState | undefined): boolean =>
    state === undefined || state.standing === 'claimed' || state.standing === 'rarely-updated';
  return { fate, before, now, forgeable: !(kept(before) && kept(now)) };
}

async function* inOrder(states: AsyncIterable<FileState>): AsyncGenerator<FileState> {
  let last: string | undefined;
  for await (const state of states) {
    if (last !== undefined && state.filename <= last) throw new RangeError(`${state.filename} is out of order`);
    last = state.filename;
    yield state;
  }
}
