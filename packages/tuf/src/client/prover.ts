import { equalBytes } from '../bytes.ts';
import { NetworkError, TufError } from '../errors.ts';
import type { Timestamp } from '../model.ts';
import { parseTimestamp } from '../parse/meta.ts';
import type { MetadataStore } from './ports.ts';
import type { ProvenMemory } from './proven-memory.ts';
import { decodeReceipt, type Receipt, receiptName } from './receipt.ts';
import { SharedByKey } from './shared.ts';
import type { SnapshotProofs } from './snapshot-proofs.ts';
import type { TrustedSet } from './trusted-set.ts';

/** The repository offers no proofs now; the snapshot says the same. Never leaves the updater. */
export class NoProofsError extends TufError {
  readonly code = 'NO_PROOFS';

  constructor() {
    super('the repository offers no proofs');
  }
}

/** A proof from the store; nothing is verified. */
export interface Kept {
  readonly timestamp: Timestamp;
  /** Of the timestamp. */
  readonly bytes: Uint8Array;
  readonly proof: Uint8Array;
}

export interface ProverOptions {
  readonly proofs: SnapshotProofs;
  readonly store: MetadataStore;
  readonly memory: ProvenMemory;
}

/** Fills one refresh's trusted set with what searches need of the snapshot, as far as it is proven under the timestamp's root. */
export class Prover {
  /** Why only the store may be asked. */
  readonly unreached: NetworkError | undefined;
  private readonly set: TrustedSet;
  private readonly root: string;
  private readonly options: ProverOptions;
  private readonly subjects = new SharedByKey<void>();
  private readonly arrived = new Map<string, Uint8Array>();

  constructor(set: TrustedSet, root: string, unreached: NetworkError | undefined, options: ProverOptions) {
    this.set = set;
    this.root = root;
    this.unreached = unreached;
    this.options = options;
  }

  /**
   * Everything that a search for the subject can touch is then known to the set: listed, or missing for good. Parallel searches
   * share one request.
   * @throws NoProofsError, NotFoundError, NetworkError, RollbackError, SupersededError, and what the port throws
   */
  prove(subject: string, signal: AbortSignal | undefined): Promise<void> {
    return this.subjects.run(subject, signal, (own) => this.load(subject, own));
  }

  /** A role that came along with a proof; not verified by who delegates to it. */
  roleBytes(role: string): Uint8Array | undefined {
    return this.arrived.get(role);
  }

  /** It is verified, and in the store now. */
  forgetBytes(role: string): void {
    this.arrived.delete(role);
  }

  /** Goes on from a proof that was kept. @returns false when it does not hold under this root */
  async adopt(subject: string, { bytes, proof }: Kept): Promise<boolean> {
    const meta = this.options.proofs.verify(this.root, subject, proof);
    if (meta === undefined) return false;
    // A later timestamp with the same root is valid for longer.
    const isSame = equalBytes(bytes, this.set.timestamp?.bytes ?? bytes);
    const receipt = isSame ? undefined : this.receipt(subject, proof);
    await this.options.memory.accept(this.set, meta, receipt);
    this.set.prove(meta);
    return true;
  }

  private async load(subject: string, signal: AbortSignal): Promise<void> {
    const { proofs, store, memory } = this.options;
    // Nothing was published since: what was proven then is proven now.
    const kept = await readReceipt(store, subject);
    if (kept !== undefined && (await this.adopt(subject, kept))) return;
    if (this.unreached !== undefined) throw missing(subject, this.unreached);
    const part = await proofs.request(this.root, subject, {
      stored: (role) => store.read(`${role}.json`),
      signal,
    });
    if (part === undefined) throw new NoProofsError();
    await memory.accept(this.set, part.meta, this.receipt(subject, part.proof));
    this.set.prove(part.meta);
    for (const [role, bytes] of part.roles) this.arrived.set(role, bytes);
  }

  private receipt(subject: string, proof: Uint8Array): Receipt | undefined {
    const { timestamp } = this.set;
    return timestamp && { subject, proof, timestamp: timestamp.bytes, expires: timestamp.signed.expires };
  }
}

/** A kept proof; `undefined` when there is none, or a damaged one. Its timestamp is not verified. */
export async function readReceipt(store: MetadataStore, subject: string): Promise<Kept | undefined> {
  const receipt = decodeReceipt((await store.read(receiptName(subject))) ?? new Uint8Array());
  try {
    return (
      receipt && {
        timestamp: parseTimestamp(receipt.timestamp).signed,
        bytes: receipt.timestamp,
        proof: receipt.proof,
      }
    );
  } catch (error) {
    if (error instanceof TufError) return undefined;
    throw error;
  }
}

function missing(subject: string, unreached: NetworkError): NetworkError {
  return new NetworkError(subject, 'the repository is not reached and the store has no proof of it', unreached);
}
