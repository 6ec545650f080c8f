/** Works on several items at a time, and gives the results in the order of the items. */
export async function* ordered<In, Out>(
  items: Iterable<In> | AsyncIterable<In>,
  parallel: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out, void> {
  const running: Promise<Out>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => {}); // Whoever takes it hears of it.
      running.push(result);
      if (running.length < parallel) continue;
      const first = running.shift();
      if (first) yield await first;
    }
    for (let first = running.shift(); first; first = running.shift()) yield await first;
  } finally {
    await Promise.allSettled(running);
  }
}
