/**
 * Collects calls that come while the one before is under way and works on them together: a group commit. Calls are
 * worked on in the order in which they came, at most `most` at once.
 */
export class Batches<In, Out> {
  readonly #work: (batch: readonly In[]) => Promise<readonly Out[]>;
  readonly #most: number;
  #waiting: { readonly value: In; readonly resolve: (out: Out) => void; readonly reject: (error: unknown) => void }[] =
    [];
  #running = false;

  constructor(most: number, work: (batch: readonly In[]) => Promise<readonly Out[]>) {
    this.#most = most;
    this.#work = work;
  }

  add(value: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ value, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most);
      try {
        const results = await this.#work(batch.map(({ value }) => value));
        for (const [at, { resolve, reject }] of batch.entries()) {
          const result = results[at];
          if (result === undefined) reject(new TypeError('a batch must answer each of its calls'));
          else resolve(result);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }
}
