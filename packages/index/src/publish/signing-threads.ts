import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { roleOf } from './bin-roles.ts';
import type { SigningFacts, SigningReply } from './sign-thread.ts';
import type { RoleToSign, SignedRole } from './sign-roles.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Roles that go to a thread together, and how many such batches are with each thread at a time. */
const BATCH = 32;
const AHEAD = 2;
const MOST_THREADS = 8;

/** Sources run as they are; what is published was compiled. The name of the file says which of the two this is. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './sign-thread.ts' : './sign-thread.js', import.meta.url);

/** Signs any number of roles in threads and gives them back in their order. Few are in memory at a time. */
export async function* signInThreads(
  roles: AsyncIterator<RoleToSign>,
  keys: SigningKeys,
): AsyncGenerator<SignedRole, void> {
  const facts = keys.tops.map((top): SigningFacts => {
    return { top, keys: keys.local(top), delegation: keys.delegation(top) };
  });
  const threads = Array.from({ length: Math.min(availableParallelism(), MOST_THREADS) }, () => new Thread(facts));
  const begun: Promise<readonly SignedRole[]>[] = [];
  try {
    for (let turn = 0; ; turn++) {
      const batch = await next(roles);
      const thread = threads[turn % threads.length];
      if (!thread || batch.length === 0) break;
      begun.push(thread.sign(batch));
      if (begun.length >= threads.length * AHEAD) yield* (await begun.shift()) ?? [];
    }
    for (const batch of begun) yield* await batch;
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

async function next(roles: AsyncIterator<RoleToSign>): Promise<RoleToSign[]> {
  const batch: RoleToSign[] = [];
  while (batch.length < BATCH) {
    const role = await roles.next();
    if (role.done === true) break;
    batch.push(role.value);
  }
  return batch;
}

/** One worker thread; it answers in the order in which it was asked. */
class Thread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<SigningReply>[] = [];
  #gone: Error | undefined;

  constructor(facts: readonly SigningFacts[]) {
    this.#worker = new Worker(THREAD, { workerData: facts });
    this.#worker.on('message', (reply: SigningReply) => this.#waiting.shift()?.resolve(reply));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a signing thread ended')));
  }

  sign(batch: readonly RoleToSign[]): Promise<readonly SignedRole[]> {
    const signed = this.#signed(batch);
    signed.catch(() => undefined); // Whoever takes it later is told.
    return signed;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  async #signed(batch: readonly RoleToSign[]): Promise<readonly SignedRole[]> {
    if (this.#gone) throw this.#gone;
    const waiter = Promise.withResolvers<SigningReply>();
    this.#waiting.push(waiter);
    this.#worker.postMessage(batch);
    const reply = await waiter.promise;
    if ('failure' in reply) throw new Error(reply.failure);
    return batch.map((role, at) => {
      const { version, expires } = role;
      const { bytes, sha256 } = reply[at] ?? { bytes: new Uint8Array(), sha256: '' };
      return { role: roleOf(role), version, expiresAt: expires.getTime(), sha256, length: bytes.length, bytes };
    });
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone);
  }
}
