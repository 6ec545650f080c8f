/** How often a cache was asked. */
export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
}

/**
 * Keeps the most recently used values within a budget of bytes. A value larger than the whole budget is not kept: one
 * huge page must not empty the cache for everybody else.
 */
export class ByteLru<V> {
  readonly #budget: number;
  readonly #entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  readonly #counts = { hits: 0, misses: 0 };
  #bytes = 0;

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes;
  }

  get counts(): CacheCounts {
    return this.#counts;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#counts.misses += 1;
      return undefined;
    }
    this.#counts.hits += 1;
    // A Map iterates in order of insertion: to insert again is to be the youngest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V, bytes: number): void {
    this.delete(key);
    if (bytes > this.#budget) return;
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#budget) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
