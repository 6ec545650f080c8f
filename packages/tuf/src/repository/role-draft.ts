import { crypto } from '#crypto';
import { FormatError, NotDelegatedError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import type { Metadata, TargetFile, Targets } from '../model.ts';
import { parseRotation } from '../rotation/rotation.ts';
import { binOf } from './coverage.ts';
import type { KeySet } from './key-set.ts';
import type { NewBins, NewDelegation, TargetsEditor } from './targets-editor.ts';

/** How a role reaches others, and the storage, while it is edited. */
export interface RoleOpener {
  open(parent: RoleDraft, name: string): Promise<RoleDraft>;
  /** Whether every role of the chain delegates the path to the next one. */
  leadsTo(chain: readonly string[], path: string): Promise<boolean>;
  keepContent(path: string, file: TargetFile, content: Uint8Array): Promise<void>;
}

/** The next version of targets or of a delegated role, as part of a draft. */
export class RoleDraft {
  /** `targets`, or the name of the delegated role. */
  readonly name: string;
  /** The next version as JSON. */
  readonly editor: TargetsEditor;
  /** What is served; `undefined` for a role that begins. */
  readonly base: Metadata<Targets> | undefined;
  /** The version that is served; 0 for a role that begins. */
  readonly replaces: number;
  /** The ways from targets down to this role by which it was opened. */
  readonly chains: (readonly string[])[];
  /** Rotate files to be published, by version. */
  readonly rotations = new Map<number, Uint8Array>();
  private readonly opener: RoleOpener;

  constructor(
    name: string,
    editor: TargetsEditor,
    opener: RoleOpener,
    base: Metadata<Targets> | undefined,
    replaces: number,
    chain: readonly string[],
  ) {
    this.name = name;
    this.editor = editor;
    this.opener = opener;
    this.base = base;
    this.replaces = replaces;
    this.chains = [chain];
  }

  /** A role that this one delegates to, also one that was only just delegated. @throws NotDelegatedError */
  role(name: string): Promise<RoleDraft> {
    return this.opener.open(this, name);
  }

  /** The role that a target belongs to: this one, or the bin that its path hashes to (TAP 15). */
  async roleFor(path: string): Promise<RoleDraft> {
    const bin = await binOf(this.editor.delegations, path);
    return bin === undefined ? this : this.role(bin);
  }

  /** Adds or replaces a target whose content is stored, and meant to be stored, by the caller. */
  async addTarget(path: string, file: TargetFile): Promise<void> {
    const role = await this.roleFor(path);
    await role.checkCovers(path);
    role.editor.setTarget(path, file);
  }

  /** Adds or replaces a target, and stores its content under the name that clients ask for (§6.2). */
  async addFile(path: string, content: Uint8Array, custom?: JsonObject): Promise<void> {
    const hashes = new Map([['sha256', await crypto.digest('sha256', content)]]);
    const file: TargetFile = { length: content.length, hashes, ...(custom === undefined ? {} : { custom }) };
    await this.addTarget(path, file);
    await this.opener.keepContent(path, file, content);
  }

  /** Whether there was one, here or in the bin that its path hashes to. The content stays for those who still read it. */
  async removeTarget(path: string): Promise<boolean> {
    return this.editor.removeTarget(path) || (await this.roleFor(path)).editor.removeTarget(path);
  }

  /** The target paths that this very role lists. */
  get paths(): Iterable<string> {
    return this.editor.paths;
  }

  /**
   * Delegates to a role, or changes what is delegated to it and who signs it. A role that is new begins empty. One that
   * was delegated before is taken over if these keys signed it, else it begins empty with the next version; one that
   * another role delegates to as well must be opened through that role first.
   */
  delegate(delegation: NewDelegation): void {
    this.editor.delegate(delegation);
  }

  /** Delegates everything to bins (TAP 15), each of which is made; or changes who signs them. */
  delegateBins(bins: NewBins): void {
    this.editor.delegateBins(bins);
  }

  /** Whether it was delegated to. Its metadata stays listed in the snapshot, as clients want it (§5.5.5). */
  undelegate(name: string): boolean {
    return this.editor.undelegate(name);
  }

  /** Changes who signs a delegated role, or (by their name prefix) the bins. What they signed is signed again. */
  setKeys(name: string, keySet: KeySet): void {
    this.editor.setKeys(name, keySet);
  }

  /**
   * Publishes a rotate file (TAP 8), signed by the holders of this role: from then on the keys that it names sign the role,
   * whatever its delegation says. A rotation to the null key revokes the role (TAP 20). Clients that do not know rotate
   * files go on asking for the keys of the delegation.
   * @throws FormatError
   */
  rotate(file: Uint8Array): void {
    const { role, version } = parseRotation(file).signed;
    if (role !== this.name) throw new FormatError('signed.role', `should be ${this.name}`);
    this.rotations.set(version, file);
  }

  /** When the next version expires. Makes a new version even if nothing else changes. */
  setExpires(expires: Date): void {
    this.editor.setExpires(expires);
  }

  /** The number of the next version: a higher one, or a lower one to recover from a fast-forward attack (§5.3.11). */
  setVersion(version: number): void {
    this.editor.setVersion(version);
  }

  /** A member of `signed` that the specification does not name; `undefined` removes it. */
  setField(name: string, value: JsonValue | undefined): void {
    this.editor.setField(name, value);
  }

  /** A client that searches the path must be led here, or it would never find it. */
  private async checkCovers(path: string): Promise<void> {
    for (const chain of this.chains) if (await this.opener.leadsTo(chain, path)) return;
    throw new NotDelegatedError(this.name, path);
  }
}
