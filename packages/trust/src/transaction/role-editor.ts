import {
  type JsonObject,
  type Metadata,
  parseTargets,
  type PublicKey,
  type Targets,
  TargetsEditor,
} from '@holdfast/tuf';
import { parseProjectRole } from '../project-role.ts';
import { forIndex } from '../index-identity.ts';
import { type Distribution, decodeTarget, encodeTarget } from '../target.ts';
import { projectDirectory, targetPath } from '../target-path.ts';

/** Whom a role of a project trusts with some of its files. */
export interface LabelledDelegation {
  /** What is added to the role's own name: `windows`. */
  readonly label: string;
  /** Which filenames: `*-win_amd64.whl`. */
  readonly filenames: readonly string[];
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
}

/** Years after which a project's role expires unless its developers say otherwise. */
const YEARS = 2;

/** When a role of a project expires that is signed now, unless its developers say otherwise. */
export function defaultProjectExpiry(now: Date): Date {
  const expires = new Date(now);
  expires.setUTCFullYear(now.getUTCFullYear() + YEARS);
  return expires;
}

/**
 * The next version of a role of a project, made from the present one; what the present one has and this package does not know stays.
 * @example
 * const editor = new ProjectRoleEditor('project.django', present);
 * editor.setFile(distribution);
 * await signMetadata(editor.build(defaultProjectExpiry(new Date())), [signer]);
 */
export class ProjectRoleEditor {
  /** The version that {@link build} gives. */
  readonly version: number;
  readonly #role: string;
  readonly #directory: string;
  readonly #editor: TargetsEditor;
  readonly #files: Map<string, Distribution>;

  /**
   * @param role such as `project.django`
   * @param present its published metadata; `undefined` for a role that there is not
   * @param last for a role that there was before: its last version, after which counting goes on
   * @throws FormatError, InvalidTargetError, RangeError when it is no project's role
   */
  constructor(role: string, present?: Uint8Array, last = 0) {
    const parsed = parseProjectRole(role);
    if (!parsed) throw new RangeError(`${role} is not the role of a project`);
    const metadata: Metadata<Targets> | undefined = present && parseTargets(present);
    this.version = (metadata?.signed.version ?? last) + 1;
    this.#role = role;
    this.#directory = projectDirectory(parsed.project);
    this.#editor = new TargetsEditor(metadata?.signedBytes);
    const files = Array.from(metadata?.signed.targets ?? [], ([path, file]) => decodeTarget(path, file));
    this.#files = new Map(files.map((file) => [file.filename, file]));
  }

  /** What the new version lists, by filename. */
  get files(): ReadonlyMap<string, Distribution> {
    return this.#files;
  }

  /** Whether it says anything that the present version does not. */
  get isChanged(): boolean {
    return this.#editor.isChanged;
  }

  /** Lists a file, or says something else of it. */
  setFile(distribution: Distribution): void {
    const { path, file } = encodeTarget(distribution);
    this.#editor.setTarget(path, file);
    this.#files.set(distribution.filename, distribution);
  }

  /** Whether it was listed: who lists it no more deletes it. */
  removeFile(filename: string): boolean {
    const file = this.#files.get(filename);
    if (!file) return false;
    this.#files.delete(filename);
    return this.#editor.removeTarget(targetPath(file.project, filename));
  }

  /**
   * PEP 592: installers pass over the file unless its very version is asked for. Control characters of the reason become spaces.
   * @param yanked `false` takes that back
   * @returns whether it is listed
   */
  yank(filename: string, yanked: string | boolean): boolean {
    const file = this.#files.get(filename);
    if (!file) return false;
    const { yanked: _before, ...rest } = file;
    // oxlint-disable-next-line no-control-regex
    const reason = typeof yanked === 'string' ? yanked.replace(/[\u0000-\u001f]+/g, ' ') : yanked;
    this.setFile(reason === false ? rest : { ...rest, yanked: reason });
    return true;
  }

  /**
   * Trusts other keys with some filenames, or changes what and whom it trusts under that label. The role has to exist: its first version
   * goes into the same transaction, and its holders sign it.
   * @returns the name of the role
   * @throws FormatError for a threshold that the keys cannot meet
   */
  delegate({ label, filenames, keys, threshold }: LabelledDelegation): string {
    const name = `${this.#role}.${label}`;
    const paths = filenames.map((pattern) => this.#directory + pattern);
    this.#editor.delegate({ name, paths, keys, threshold });
    return name;
  }

  /** Whether it was delegated to. */
  undelegate(label: string): boolean {
    return this.#editor.undelegate(`${this.#role}.${label}`);
  }

  /**
   * `signed` of the new version, to be signed by the role's keys.
   * @param index what names the index that it is for; without it, it is for the one that the present version is for, or for any
   */
  build(expires: Date, index?: string): JsonObject {
    const signed = this.#editor.build(this.version, expires);
    return index === undefined ? signed : forIndex(signed, index);
  }
}
