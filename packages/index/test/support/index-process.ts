import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

const PROGRAM = new URL('./serve-until-killed.ts', import.meta.url).pathname;

/** A process that serves an index, for tests that end it in a hard way. */
export class IndexProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  #leads = false;
  #changed = Promise.withResolvers<void>();

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Without a passphrase it never signs. It is gone when the test ends. */
  static async start(t: TestContext, directory: string, passphrase?: string): Promise<IndexProcess> {
    const args = [
      '--conditions=holdfast-source',
      PROGRAM,
      directory,
      ...(passphrase === undefined ? [] : [passphrase]),
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    t.after(() => child.kill('SIGKILL'));
    const [url] = (await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(() => Promise.reject(new Error('the process ended by itself'))),
    ])) as [string];
    const started = new IndexProcess(child, url);
    lines.on('line', (line) => started.#hear(line === 'leads'));
    return started;
  }

  get leads(): boolean {
    return this.#leads;
  }

  async untilLeads(leads = true): Promise<void> {
    while (this.#leads !== leads) await this.#changed.promise;
  }

  /** SIGSTOP, SIGCONT, or the end of it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #hear(leads: boolean): void {
    this.#leads = leads;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
