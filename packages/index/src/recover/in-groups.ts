/** Groups of at most `most`, in the order in which they come, however many there are. */
export function* inGroups<T>(list: Iterable<T>, most: number): Generator<readonly T[], void> {
  let group: T[] = [];
  for (const each of list) {
    group.push(each);
    if (group.length < most) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
