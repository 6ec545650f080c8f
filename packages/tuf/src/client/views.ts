import type { Edge } from '../delegation/search.ts';
import { NetworkError, NotFoundError, SupersededError, TufError } from '../errors.ts';
import type { Targets } from '../model.ts';
import type { MetadataFetcher, UpdaterLimits } from './ports.ts';
import { ProvenMemory } from './proven-memory.ts';
import { NoProofsError, Prover, type ProverOptions, readReceipt } from './prover.ts';
import { type Outcome, Workflow } from './refresh.ts';
import { Shared } from './shared.ts';
import { Source } from './source.ts';
import type { TrustedSet } from './trusted-set.ts';
import type { UpdaterOptions } from './updater.ts';
import { View } from './view.ts';

/** How often a search begins anew: each time for another reason, or because another process moved on. */
const MAX_ATTEMPTS = 6;

/** One view, for one search. */
export interface Search {
  readonly set: TrustedSet;
  /** A role, verified for its parent. */
  readonly load: (edge: Edge) => Promise<Targets>;
}

/** Keeps the view that searches use, and finds another one for a search that cannot end with it. */
export class Views {
  private readonly options: UpdaterOptions;
  private readonly workflow: Workflow;
  private readonly proving: ProverOptions | undefined;
  private view: View | undefined;
  private refreshing: Shared<View> | undefined;

  constructor(options: UpdaterOptions, limits: UpdaterLimits) {
    const {
      fetcher,
      store,
      offline = 'never',
      guardClock = true,
      onProgress,
      snapshotProofs: proofs,
      checkMembers,
    } = options;
    this.options = options;
    if (proofs !== undefined) this.proving = { proofs, store, memory: new ProvenMemory(store) };
    const source = new Source(offline === 'only' ? UNREACHABLE : fetcher, onProgress);
    this.workflow = new Workflow({ source, store, limits, offline, guardClock, proving: this.proving, checkMembers });
  }

  /** A new one. A call during another one shares its outcome. */
  next(signal: AbortSignal | undefined): Promise<View> {
    if (this.refreshing === undefined || this.refreshing.abandoned) {
      const shared = new Shared((own) =>
        this.refresh(own).finally(() => {
          if (this.refreshing === shared) this.refreshing = undefined;
        }),
      );
      this.refreshing = shared;
    }
    return this.refreshing.join(signal);
  }

  /** Searches with the newest view, or with the one that takes its place. @param path what is searched: a target or a directory */
  async use<T>(path: string, signal: AbortSignal | undefined, work: (search: Search) => Promise<T>): Promise<T> {
    const subject = this.proving?.proofs.subjectOf(path);
    const run = (view: View) => work({ set: view.set, load: (edge) => view.load(edge, subject, signal) });
    const seen = new Set<View>();
    let view = this.view ?? (await this.next(signal));
    if (view.prover !== undefined && subject === undefined) view = await this.withSnapshot(view, signal);
    for (;;) {
      try {
        return await run(view);
      } catch (error) {
        seen.add(view);
        const other = await this.instead(view, error, seen, signal);
        if (other !== undefined) view = other;
        else if (subject === undefined || !(error instanceof NetworkError) || view.prover?.unreached === undefined)
          throw error;
        else return await this.offline(view, subject, error, run, signal);
      }
    }
  }

  /** @returns the view with which to begin anew; each reason counts once, but for another process that keeps moving on */
  private async instead(
    view: View,
    error: unknown,
    seen: ReadonlySet<View>,
    signal: AbortSignal | undefined,
  ): Promise<View | undefined> {
    if (seen.size >= MAX_ATTEMPTS) return undefined;
    if (error instanceof NoProofsError) {
      const whole = await this.withSnapshot(view, signal);
      if (this.view === view) this.view = whole;
      return whole;
    }
    if (error instanceof SupersededError) return this.view === view ? this.next(signal) : this.view;
    if (!(error instanceof NotFoundError)) return undefined;
    // A repository sweeps old snapshots away: who meets such a gap goes on with the newest one, once.
    const next = seen.size > 1 ? view : await this.next(signal);
    if (!isSameState(next, view)) return next;
    return next.prover === undefined ? undefined : this.withSnapshot(next, signal);
  }

  /**
   * Without a network: the whole snapshot, if it is in the store; else what was proven under an earlier timestamp, for as long as
   * that has not expired. The proof kept last is tried too: in a small repository it shows all there is.
   */
  private async offline<T>(
    view: View,
    subject: string,
    missing: NetworkError,
    run: (view: View) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const last = await this.proving?.memory.lastSubject();
    const others = [
      () => this.withSnapshot(view, signal),
      () => this.fromReceipt(view, subject),
      () => this.fromReceipt(view, last ?? subject),
    ];
    for (const find of others) {
      try {
        const other = await find();
        if (other !== undefined) return await run(other);
      } catch (error) {
        if (!(error instanceof TufError)) throw error;
      }
    }
    throw missing;
  }

  /** @throws TufError when the receipt's timestamp is not to be trusted or has expired, or shows something older than what was seen */
  private async fromReceipt(view: View, subject: string): Promise<View | undefined> {
    const { proving } = this;
    const receipt = proving && (await readReceipt(proving.store, subject));
    if (receipt === undefined) return undefined;
    const root = proving?.proofs.rootOf(receipt.timestamp);
    if (root === undefined || receipt.timestamp.version > view.report.timestampVersion) return undefined;
    const set = view.set.afterRoot();
    await set.updateTimestamp(receipt.bytes);
    const earlier = this.viewOf({ set, unreached: view.outcome.unreached, provenRoot: root });
    return (await earlier.prover?.adopt(subject, receipt)) === true ? earlier : undefined;
  }

  private withSnapshot(view: View, signal: AbortSignal | undefined): Promise<View> {
    return view.whole.run('snapshot', signal, async (own) =>
      this.viewOf(await this.workflow.withSnapshot(view.outcome, own)),
    );
  }

  private async refresh(signal: AbortSignal): Promise<View> {
    const { trustedRoot, clock } = this.options;
    const refresh = () => this.workflow.refresh(trustedRoot, clock(), signal);
    const outcome = await refresh().catch((error: unknown) => {
      // The snapshot or targets of the timestamp just read may have been swept away meanwhile.
      if (error instanceof NotFoundError && error.path !== 'timestamp.json') return refresh();
      throw error;
    });
    this.view = this.viewOf(outcome);
    return this.view;
  }

  private viewOf(outcome: Outcome): View {
    const { provenRoot, set, unreached } = outcome;
    const prover =
      provenRoot === undefined || this.proving === undefined
        ? undefined
        : new Prover(set, provenRoot, unreached, this.proving);
    return new View(this.workflow, outcome, prover);
  }
}

const UNREACHABLE: MetadataFetcher = {
  fetch: async (path) => {
    throw new NetworkError(path, 'no request is made offline');
  },
};

function isSameState({ report: a }: View, { report: b }: View): boolean {
  const sameSnapshot = a.snapshotVersion !== undefined && a.snapshotVersion === b.snapshotVersion;
  return sameSnapshot || a.timestampVersion === b.timestampVersion;
}
