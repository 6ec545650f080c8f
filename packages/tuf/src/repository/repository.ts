import { MissingSignaturesError, RepositoryExistsError } from '../errors.ts';
import { TOP_LEVEL_ROLES, type TopLevelRole } from '../model.ts';
import type { Signer } from '../sign.ts';
import { type Advanced, advance, type Circumstances } from './advance.ts';
import { Current } from './current.ts';
import { Draft } from './draft.ts';
import type { KeySet } from './key-set.ts';
import { rolePath } from './layout.ts';
import { DEFAULT_LIFETIMES, type Lifetimes } from './lifetimes.ts';
import { planProposal } from './plan.ts';
import { parseProposed, type Proposal } from './proposal.ts';
import { finishPublication, orderFiles, publishFiles } from './publication.ts';
import { renewDue, type UnsignedRole } from './renew.ts';
import type { RepositoryStorage } from './storage.ts';
import { type Swept, sweepStorage } from './sweep.ts';

/** For {@link Repository}. */
export interface RepositoryOptions {
  /** Where the files are. */
  readonly storage: RepositoryStorage;
  /** Read once for each call. */
  readonly clock: () => Date;
  /** Whoever can sign here and now. Each signs the roles that list its key; holders of other keys sign proposals. */
  readonly signers: readonly Signer[];
  /** Of new versions, in seconds; those left out are {@link DEFAULT_LIFETIMES}. */
  readonly lifetimes?: Partial<Lifetimes>;
}

/** New versions by role; empty when there was nothing to change. */
export type Published = ReadonlyMap<string, number>;

/** What {@link Repository.renew} did. */
export interface Renewed {
  /** New versions by role. */
  readonly published: Published;
  /** Roles that expire as soon and wait for holders of keys that are not here. */
  readonly unsigned: readonly UnsignedRole[];
}

/**
 * The other side of the client workflow: a repository that is changed, signed and published version by version. Several
 * processes may use the same storage; each call starts from what is served then.
 */
export class Repository {
  private readonly options: RepositoryOptions;
  private readonly lifetimes: Lifetimes;
  /** The newest root that was verified; undefined for a repository that is to be made. */
  private trustedRoot: Uint8Array | undefined;
  private current: Current | undefined;

  private constructor(options: RepositoryOptions, trustedRoot: Uint8Array | undefined) {
    this.options = options;
    this.lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes };
    this.trustedRoot = trustedRoot;
  }

  /**
   * Opens what the storage holds, verified from a trusted root as a client does it (expired metadata is accepted, since it
   * is to be renewed), and finishes a publication that a crash interrupted.
   * @throws TufError when clients with this root could not follow
   */
  static async open(options: RepositoryOptions & { readonly trustedRoot: Uint8Array }): Promise<Repository> {
    const repository = new Repository(options, options.trustedRoot);
    await repository.locked(async () => undefined);
    return repository;
  }

  /**
   * Makes a repository: the first root, targets, snapshot and timestamp.
   * @throws RepositoryExistsError, MissingSignaturesError (see {@link Repository.empty})
   */
  static async create(
    options: RepositoryOptions & { readonly roles: Readonly<Record<TopLevelRole, KeySet>> },
  ): Promise<Repository> {
    const repository = Repository.empty(options);
    await repository.update((draft) => {
      for (const role of TOP_LEVEL_ROLES) draft.root.setKeys(role, options.roles[role]);
    });
    return repository;
  }

  /** A repository without a root as yet, for holders who never meet: propose the first root, let them sign, publish. */
  static empty(options: RepositoryOptions): Repository {
    return new Repository(options, undefined);
  }

  /** The newest root, for clients to start from. @throws Error while there is none */
  get root(): Uint8Array {
    if (this.trustedRoot === undefined) throw new Error('the repository has no root yet');
    return this.trustedRoot;
  }

  /**
   * Changes the repository: what the edit changed gets a new version, is signed and becomes visible at once. An edit that
   * throws, or changes nothing, publishes nothing.
   * @throws MissingSignaturesError when keys are elsewhere; nothing is published, the error carries the proposal
   * @throws VersionTakenError when the storage holds another file of that name
   */
  update(edit: (draft: Draft) => void | Promise<void>): Promise<Published> {
    return this.locked(async (circumstances) => this.finish(await this.draft(edit, circumstances), circumstances));
  }

  /** Makes a change ready to be signed elsewhere, and publishes nothing. Signers that are here have signed it. */
  propose(edit: (draft: Draft) => void | Promise<void>): Promise<Proposal> {
    return this.locked(async (circumstances) => (await this.draft(edit, circumstances)).proposal);
  }

  /**
   * Publishes a proposal that its holders have signed. Roles that it does not change may have moved on meanwhile.
   * @throws MissingSignaturesError with the proposal as far as it came: with the snapshot, if only that is unsigned
   * @throws OutdatedProposalError, RollbackError, ExpiredError, VersionTakenError
   */
  publish(proposal: Proposal): Promise<Published> {
    return this.locked(async (circumstances) => this.finish(await advance(proposal, circumstances), circumstances));
  }

  /** Signs anew what expires before a time and can be signed here. Reads every role. */
  renew({ before }: { readonly before: Date }): Promise<Renewed> {
    return this.locked(async (circumstances) => {
      let unsigned: readonly UnsignedRole[] = [];
      const edit = async (draft: Draft) => {
        unsigned = await renewDue(draft, circumstances, before);
      };
      const published = await this.finish(await this.draft(edit, circumstances), circumstances);
      return { published, unsigned };
    });
  }

  /**
   * Removes metadata that no reader needs any more: what has not been part of the repository since a sweep at least
   * `grace` seconds ago. Roots stay for ever, and so does content.
   */
  sweep({ grace }: { readonly grace: number }): Promise<Swept> {
    return this.locked(({ current, now }) => sweepStorage(this.options.storage, current, now, grace));
  }

  private async draft(edit: (draft: Draft) => void | Promise<void>, circumstances: Circumstances): Promise<Advanced> {
    const { current, lifetimes, now } = circumstances;
    current?.checkWritable();
    const draft = new Draft(this.options.storage, current);
    await edit(draft);
    return advance(await planProposal(draft, current, lifetimes, now), circumstances);
  }

  private async finish({ proposal, missing }: Advanced, { current }: Circumstances): Promise<Published> {
    if (missing.length > 0) throw new MissingSignaturesError(missing, proposal.encode());
    if (proposal.roles.size === 0) return new Map();
    current?.checkWritable();
    const files = await orderFiles(proposal, current);
    // Whatever happens from here on, the storage knows better than we do.
    this.current = undefined;
    await publishFiles(this.options.storage, files);
    this.trustedRoot = proposal.roles.get('root')?.metadata ?? this.trustedRoot;
    return new Map(Array.from(proposal.roles.values(), (role) => [role.role, parseProposed(role).signed.version]));
  }

  private locked<T>(work: (circumstances: Circumstances) => Promise<T>): Promise<T> {
    const { storage, clock, signers } = this.options;
    return storage.lock(async () => {
      await finishPublication(storage);
      const current = await this.load();
      return work({ current, signers, lifetimes: this.lifetimes, now: clock() });
    });
  }

  private async load(): Promise<Current | undefined> {
    const { storage } = this.options;
    if (this.trustedRoot === undefined) {
      if ((await storage.read(rolePath('root', 1))) !== undefined) throw new RepositoryExistsError();
      return undefined;
    }
    if (this.current === undefined || (await this.current.isStale())) {
      this.current = await Current.load(storage, this.trustedRoot);
      this.trustedRoot = this.current.set.root.bytes;
    }
    return this.current;
  }
}
