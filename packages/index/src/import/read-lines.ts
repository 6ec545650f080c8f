const NEWLINE = 0x0a;

/** The lines of a stream of bytes; `undefined` for one that is longer than `most` bytes or is not UTF-8. */
export async function* readLines(input: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<string | undefined> {
  let rest: Uint8Array = new Uint8Array();
  /** The line that is being read is too long: its end is looked for, nothing of it is kept. */
  let skipping = false;
  for await (const chunk of input) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, end);
      yield skipping || rest.length + piece.length > most ? undefined : decode(joined(rest, piece));
      rest = new Uint8Array();
      skipping = false;
      from = end + 1;
    }
    const tail = chunk.subarray(from);
    skipping ||= rest.length + tail.length > most;
    rest = skipping ? new Uint8Array() : joined(rest, tail);
  }
  if (skipping) yield undefined;
  else if (rest.length > 0) yield decode(rest);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.length === 0 ? b : Buffer.concat([a, b]);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes).trim();
  } catch {
    return undefined;
  }
}
