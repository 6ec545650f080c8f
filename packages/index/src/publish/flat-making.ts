import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { listedVersions } from '@holdfast/trust';
import { flatEntry, type FlatFacts, flatSigned } from './flat-text.ts';
import type { FlatReply, FlatRequest } from './flat-thread.ts';
import type { SignedRole } from './sign-roles.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a flat snapshot lists: a version of the tree, and roles that left it. */
export interface Listing {
  readonly cells: Iterable<Uint8Array>;
  readonly retired: readonly (readonly [role: string, version: number])[];
}

/** Bytes of cells that go to the thread together. */
const CHUNK_BYTES = 1 << 18;
/** Milliseconds after which a walk lets others go first. */
const SLICE_MS = 4;

/** Sources run as they are; what is published was compiled. The name of the file says which of the two this is. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './flat-thread.ts' : './flat-thread.js', import.meta.url);

/** A flat snapshot of a small index, here and now (TUF 1.0.34 §4.4). */
export async function makeFlat({ cells, retired }: Listing, facts: FlatFacts, keys: SigningKeys): Promise<SignedRole> {
  const entries = retired.map(([role, version]) => flatEntry({ role, version }));
  for (const cell of cells) for (const listed of listedVersions(cell)) entries.push(flatEntry(listed));
  const bytes = await keys.signCanonical('snapshot', flatSigned(entries, facts));
  return flatRole(facts, bytes, hash('sha256', bytes));
}

/** The same for a large one: the work is done in a thread, and the tree is read in slices, so that nobody waits. */
export async function makeLargeFlat(
  { cells, retired }: Listing,
  facts: FlatFacts,
  keys: SigningKeys,
  stop: AbortSignal,
): Promise<SignedRole> {
  const worker = new Worker(THREAD);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<FlatReply>();
    promise.catch(() => undefined); // It may fail while the tree is still being read.
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that makes a flat snapshot ended')));
    const aborted = (): void => reject(stop.reason);
    stop.addEventListener('abort', aborted, { once: true });
    for await (const chunk of inChunks(cells)) {
      stop.throwIfAborted();
      worker.postMessage(chunk satisfies FlatRequest, [chunk.buffer]);
    }
    worker.postMessage({ ...facts, retired, signers: keys.local('snapshot') } satisfies FlatRequest);
    const reply = await promise;
    stop.removeEventListener('abort', aborted);
    if ('file' in reply) return flatRole(facts, reply.file, reply.sha256);
    const bytes = await keys.signCanonical('snapshot', reply.signed);
    return flatRole(facts, bytes, hash('sha256', bytes));
  } finally {
    await worker.terminate();
  }
}

async function* inChunks(cells: Iterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let used = 0;
  let began = performance.now();
  for (const cell of cells) {
    if (used + cell.length > chunk.length) {
      yield chunk.slice(0, used);
      chunk = new Uint8Array(Math.max(CHUNK_BYTES, cell.length));
      used = 0;
    }
    chunk.set(cell, used);
    used += cell.length;
    if (performance.now() - began < SLICE_MS) continue;
    await setImmediate();
    began = performance.now();
  }
  yield chunk.slice(0, used);
}

function flatRole({ version, expires }: FlatFacts, bytes: Uint8Array, sha256: string): SignedRole {
  return { role: 'snapshot', version, expiresAt: expires.getTime(), sha256, length: bytes.length, bytes };
}
