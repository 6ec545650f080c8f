import type { Edge } from '../delegation/search.ts';
import type { Targets } from '../model.ts';
import type { Prover } from './prover.ts';
import type { Outcome, Workflow } from './refresh.ts';
import { SharedByKey } from './shared.ts';
import type { TrustedSet, VerifiedRole } from './trusted-set.ts';

/** What a refresh arrived at. */
export interface RefreshReport {
  /** True when the repository was not reached and the answer comes from the store. */
  readonly offline: boolean;
  /** Of the newest root. */
  readonly rootVersion: number;
  /** Of the timestamp. */
  readonly timestampVersion: number;
  /** Of the snapshot; `undefined` where parts of it are proven instead. */
  readonly snapshotVersion: number | undefined;
  /** Of the targets role; `undefined` where it is looked up with the rest. */
  readonly targetsVersion: number | undefined;
  /** Until then the repository has to publish a new one. */
  readonly timestampExpires: Date;
}

/** What one refresh arrived at; later refreshes make another one, so that a search never mixes two. */
export class View {
  readonly outcome: Outcome;
  readonly report: RefreshReport;
  /** Where the timestamp names another form of snapshot, and that is used. */
  readonly prover: Prover | undefined;
  /** The same with the whole snapshot instead, once a search needed it. */
  readonly whole = new SharedByKey<View>();
  private readonly workflow: Workflow;
  /** Roles being loaded, by parent and role, so that parallel searches load each one once. */
  private readonly loading = new SharedByKey<VerifiedRole>();

  constructor(workflow: Workflow, outcome: Outcome, prover?: Prover) {
    this.workflow = workflow;
    this.outcome = outcome;
    this.prover = prover;
    this.report = reportOn(outcome);
  }

  get set(): TrustedSet {
    return this.outcome.set;
  }

  /** A role, verified for its parent. What the snapshot says of it is proven first, if that is not known yet. */
  async load({ role, parent }: Edge, subject: string | undefined, signal: AbortSignal | undefined): Promise<Targets> {
    const { set, prover } = this;
    if (prover !== undefined && subject !== undefined && !set.lists(role)) await prover.prove(subject, signal);
    const key = JSON.stringify([parent, role]);
    const verified = await this.loading.run(key, signal, (own) =>
      this.workflow.loadRole(set, role, parent, own, {
        unreached: prover?.unreached,
        arrived: (name) => prover?.roleBytes(name),
      }),
    );
    prover?.forgetBytes(role);
    return verified.metadata.signed;
  }
}

function reportOn({ set: { root, timestamp, snapshot, targets }, unreached, provenRoot }: Outcome): RefreshReport {
  const whole = snapshot !== undefined && targets !== undefined;
  if (timestamp === undefined || (provenRoot === undefined && !whole)) throw new Error('refresh ended early');
  return {
    offline: unreached !== undefined,
    rootVersion: root.signed.version,
    timestampVersion: timestamp.signed.version,
    snapshotVersion: snapshot?.signed.version,
    targetsVersion: targets?.signed.version,
    timestampExpires: timestamp.signed.expires,
  };
}
