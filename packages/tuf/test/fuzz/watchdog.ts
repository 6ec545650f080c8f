import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { addToCorpus } from './corpus.ts';

/** Only an input that never ends runs as long; what merely takes too many steps is found by counting them. */
const LIMIT_MS = 20_000;
const LOOK_MS = 1000;
const LONGEST = 1 << 17;

interface Shared {
  readonly target: string;
  /** How many inputs were begun, and the length of this one. */
  readonly counters: Int32Array<SharedArrayBuffer>;
  readonly input: Uint8Array<SharedArrayBuffer>;
}

/** Keeps an input whose run does not end, and ends the process, which cannot do that itself. */
export class Watchdog {
  private readonly shared: Shared;
  private readonly worker: Worker;

  constructor(target: string) {
    const counters = new Int32Array(new SharedArrayBuffer(8));
    this.shared = { target, counters, input: new Uint8Array(new SharedArrayBuffer(LONGEST)) };
    this.worker = new Worker(new URL(import.meta.url), { workerData: this.shared });
    this.worker.unref();
  }

  begin(input: Uint8Array): void {
    const { counters, input: copy } = this.shared;
    copy.set(input.subarray(0, LONGEST));
    counters[1] = input.length;
    Atomics.add(counters, 0, 1);
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

function watch({ target, counters, input }: Shared): void {
  let last = -1;
  let since = Date.now();
  setInterval(() => {
    const count = Atomics.load(counters, 0);
    if (count !== last) [last, since] = [count, Date.now()];
    if (Date.now() - since < LIMIT_MS) return;
    const path = addToCorpus(target, Uint8Array.from(input.subarray(0, counters[1])), 'finding-');
    process.stderr.write(`${target}: an input has not ended after ${LIMIT_MS} ms\n${path}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, LOOK_MS);
}

if (!isMainThread && parentPort !== null) watch(workerData as Shared);
