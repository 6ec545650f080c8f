import { delegatedKeys } from '../delegation/match.ts';
import { NotDelegatedError, TufError } from '../errors.ts';
import type { Delegations, Metadata, TargetFile, Targets } from '../model.ts';
import { isDelegated } from './coverage.ts';
import type { Current } from './current.ts';
import { targetPath } from './layout.ts';
import { NextVersion } from './metadata-editor.ts';
import { RoleDraft, type RoleOpener } from './role-draft.ts';
import { RootEditor } from './root-editor.ts';
import type { RepositoryStorage } from './storage.ts';
import { TargetsEditor } from './targets-editor.ts';

/** A change in the making. What is not touched keeps its version. */
export class Draft {
  /** The next root: who signs the four top-level roles. */
  readonly root: RootEditor;
  /** The next targets, and the way to delegated roles. */
  readonly targets: RoleDraft;
  /** Version and expiry of the next one; what it lists follows by itself. */
  readonly snapshot = new NextVersion();
  /** Version and expiry of the next one. */
  readonly timestamp = new NextVersion();
  private readonly opener: Opener;

  constructor(storage: RepositoryStorage, current: Current | undefined) {
    this.root = new RootEditor(current?.set.root.signedBytes);
    this.opener = new Opener(storage, current);
    this.targets = this.opener.add('targets', current?.set.targets, ['targets']);
  }

  /** Every role that was opened. */
  get roles(): Iterable<RoleDraft> {
    return this.opener.roles.values();
  }
}

class Opener implements RoleOpener {
  readonly roles = new Map<string, RoleDraft>();
  private readonly storage: RepositoryStorage;
  private readonly current: Current | undefined;

  constructor(storage: RepositoryStorage, current: Current | undefined) {
    this.storage = storage;
    this.current = current;
  }

  add(name: string, base: Metadata<Targets> | undefined, chain: readonly string[]): RoleDraft {
    const replaces = this.current?.version(name) ?? 0;
    const role = new RoleDraft(name, new TargetsEditor(base?.signedBytes), this, base, replaces, chain);
    this.roles.set(name, role);
    return role;
  }

  async open(parent: RoleDraft, name: string): Promise<RoleDraft> {
    const chain = [...(parent.chains[0] ?? []), name];
    const delegations = parent.editor.delegations;
    if (delegatedKeys(delegations, name) === undefined) throw new NotDelegatedError(parent.name, name);
    const known = this.roles.get(name);
    if (known === undefined) return this.add(name, await this.load(parent, name, delegations), chain);
    if (!known.chains.some((other) => other.at(-2) === parent.name)) known.chains.push(chain);
    return known;
  }

  /** The role as it is served, verified for the parent as it is served, else for the parent as it is to be. */
  private async load(
    parent: RoleDraft,
    name: string,
    delegations: Delegations | undefined,
  ): Promise<Metadata<Targets> | undefined> {
    const { current } = this;
    if (current === undefined || current.version(name) === 0) return undefined;
    const before = parent.base?.signed.delegations;
    if (delegatedKeys(before, name) !== undefined) return current.role(name, before);
    try {
      return await current.role(name, delegations);
    } catch (error) {
      if (error instanceof TufError) return undefined; // what others signed is not signed again with these keys
      throw error;
    }
  }

  async leadsTo(chain: readonly string[], path: string): Promise<boolean> {
    for (const [index, child] of chain.entries()) {
      const parent = this.roles.get(chain[index - 1] ?? '');
      if (parent !== undefined && !(await isDelegated(parent.editor.delegations, child, path))) return false;
    }
    return true;
  }

  async keepContent(path: string, file: TargetFile, content: Uint8Array): Promise<void> {
    // Named by its hash: what is there already is the same.
    await this.storage.create(targetPath(path, file), content);
  }
}
