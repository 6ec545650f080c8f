/** Unpacking with what browsers bring. The same contract as `node.ts`; DecompressionStream refuses bytes after the stream. */
export async function* inflateRaw(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  const feeding = (async () => {
    // A copy, because a stream may keep what it is given, and only plain buffers are accepted.
    for await (const piece of source) await writer.write(new Uint8Array(piece));
    await writer.close();
  })();
  // A failure of the source must reach the reading side; a failure of the stream is there already.
  feeding.catch((cause: unknown) => writer.abort(cause).catch(() => {}));
  const reader = readable.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    await feeding;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function crc32(data: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (const byte of data) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}
