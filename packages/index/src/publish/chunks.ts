/** Cuts what comes into parts of at most `most`, in order, however much it is. */
export function* chunks<T>(list: Iterable<T>, most: number): Generator<readonly T[], void> {
  let part: T[] = [];
  for (const each of list) {
    part.push(each);
    if (part.length < most) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
