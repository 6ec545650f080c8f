/** Where a feed comes from: a server, a mirror, a directory. Nothing that it gives is trusted. */
export interface FeedSource {
  /**
   * The bytes at an address such as `feed/0/17.0`, without content coding; `undefined` when nothing is there. It reads no more
   * than `maxLength` bytes and throws when there are more.
   */
  fetch(path: string, maxLength: number): Promise<Uint8Array | undefined>;
}
