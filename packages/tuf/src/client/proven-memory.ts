import { RollbackError, SupersededError } from '../errors.ts';
import type { MetaFile } from '../model.ts';
import type { MetadataStore } from './ports.ts';
import { PROVEN_NAME, type ProvenState, readProvenState, writeProvenState } from './proven-state.ts';
import { encodeReceipt, type Receipt, receiptName } from './receipt.ts';
import { checkRootCurrent, isNewer, storedSnapshot } from './stored-newer.ts';
import type { TrustedSet } from './trusted-set.ts';

/** Kept proofs; beyond that the oldest go. */
const MAX_RECEIPTS = 4096;

interface Part {
  readonly set: TrustedSet;
  readonly meta: ReadonlyMap<string, MetaFile>;
  readonly receipt: Receipt | undefined;
}

interface Entry extends Part {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Rollback protection where there is no whole snapshot to compare with (§5.5.5): the highest version of each role that was
 * ever proven to a client of this store, and what the last whole snapshot listed. Versions never go back. A role that is proven
 * absent is no rollback (decision 10): its memory stays, and who delegates to it meets a missing role.
 */
export class ProvenMemory {
  private readonly store: MetadataStore;
  private readonly whole = new WeakMap<TrustedSet, Promise<ReadonlyMap<string, MetaFile>>>();
  private waiting: Entry[] = [];
  private writing = false;

  constructor(store: MetadataStore) {
    this.store = store;
  }

  /**
   * Checks a proven part and remembers it, with the proof if there is one to keep. Parts that come while another is written
   * go together.
   * @throws RollbackError, or SupersededError when it is no rollback but this client that is behind
   */
  async accept(set: TrustedSet, meta: ReadonlyMap<string, MetaFile>, receipt?: Receipt): Promise<void> {
    // All of it known already: there is nothing to write, and nobody to wait for.
    if (receipt === undefined && !(await this.take(await this.read(), { set, meta, receipt }))) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiting.push({ set, meta, receipt, resolve, reject });
    if (!this.writing) void this.writeAll();
    await promise;
  }

  /** A whole snapshot may not take back what was proven. @throws RollbackError */
  async checkSnapshot(meta: ReadonlyMap<string, MetaFile>): Promise<void> {
    const { versions } = await this.read();
    for (const [name, version] of versions) checkVersion(name, version, meta.get(name)?.version);
  }

  /** The subject whose proof was kept last. */
  async lastSubject(): Promise<string | undefined> {
    return [...(await this.read()).receipts.keys()].at(-1);
  }

  private async writeAll(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      const entries = this.waiting;
      this.waiting = [];
      try {
        await this.store.lock(() => this.write(entries));
      } catch (error) {
        for (const { reject } of entries) reject(error);
      }
    }
    this.writing = false;
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    const state = await this.read();
    const accepted: Entry[] = [];
    let changed = false;
    for (const entry of entries) {
      try {
        await checkRootCurrent(entry.set, this.store);
        changed = (await this.take(state, entry)) || changed;
        accepted.push(entry);
      } catch (error) {
        entry.reject(error);
      }
    }
    // The list first: a proof that is not in it would never be removed.
    if (changed) await this.store.write(PROVEN_NAME, writeProvenState(await this.swept(state, entries)));
    await Promise.all(accepted.map(({ receipt }) => this.keep(receipt)));
    for (const { resolve } of accepted) resolve();
  }

  private async keep(receipt: Receipt | undefined): Promise<void> {
    if (receipt !== undefined) await this.store.write(receiptName(receipt.subject), encodeReceipt(receipt));
  }

  /** @returns whether the state changed */
  private async take(state: ProvenState, { set, meta, receipt }: Part): Promise<boolean> {
    const whole = await this.wholeSnapshot(set);
    for (const [name, { version }] of meta) {
      const seen = Math.max(state.versions.get(name) ?? 0, whole.get(name)?.version ?? 0);
      try {
        checkVersion(name, seen, version);
      } catch (error) {
        throw (await this.isBehind(set)) ? new SupersededError('timestamp') : error;
      }
    }
    let changed = false;
    for (const [name, { version }] of meta) {
      if (state.versions.get(name) === version) continue;
      state.versions.set(name, version);
      changed = true;
    }
    if (receipt === undefined) return changed;
    state.receipts.delete(receipt.subject);
    state.receipts.set(receipt.subject, receipt.expires.getTime());
    return true;
  }

  /** Receipts that nobody could use any more are removed, so that the store does not grow. */
  private async swept(state: ProvenState, entries: readonly Entry[]): Promise<ProvenState> {
    const now = Math.max(...entries.map(({ set }) => set.referenceTime.getTime()));
    let surplus = state.receipts.size - MAX_RECEIPTS;
    for (const [subject, expires] of state.receipts) {
      if (surplus-- <= 0 && expires > now) continue;
      state.receipts.delete(subject);
      await this.store.remove(receiptName(subject));
    }
    return state;
  }

  /** Whether another process has moved on: then an older part is no attack. */
  private async isBehind(set: TrustedSet): Promise<boolean> {
    const stored = await this.store.read('timestamp.json');
    return stored !== undefined && isNewer(set, 'timestamp', stored);
  }

  /** Read once for each refresh: it may be large, and only clients without proofs write it. */
  private wholeSnapshot(set: TrustedSet): Promise<ReadonlyMap<string, MetaFile>> {
    let meta = this.whole.get(set);
    if (meta === undefined) {
      meta = storedSnapshot(set, this.store).then((snapshot) => snapshot?.meta ?? new Map());
      this.whole.set(set, meta);
    }
    return meta;
  }

  private async read(): Promise<ProvenState> {
    return readProvenState(await this.store.read(PROVEN_NAME));
  }
}

/** §5.5.5 */
function checkVersion(name: string, seen: number, offered: number | undefined): void {
  if (offered !== undefined && offered < seen) throw new RollbackError(name.replace(/\.json$/, ''), seen, offered);
}
