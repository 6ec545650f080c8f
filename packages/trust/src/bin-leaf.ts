import type { ProjectName } from '@holdfast/python-index';
import type { PublicKey, TargetFile } from '@holdfast/tuf';
import type { BranchRole } from './bin-tree.ts';
import { BIN_DIGITS, projectBin, type TargetPath } from './target-path.ts';

/** Size in bytes of encoded content beyond which a role of several bins is split. */
export const BIN_BYTES = 16_384;
/** A branch whose content takes no more than this becomes a leaf again: so it does not split at the next upload. */
export const MERGE_BYTES = BIN_BYTES / 2;
/** About the least that one target takes, of its own and with its path, in bytes. */
const TARGET_BYTES = 130;
/** About the least that one project takes without its names and keys. */
const PROJECT_BYTES = 110;
/** About what a key takes without its public part: its keyid where it is listed and where it is named, and the names of members. */
const KEY_BYTES = 230;
/** More targets than this surely take more than {@link MERGE_BYTES}. */
export const MERGE_FILES: number = Math.floor(MERGE_BYTES / TARGET_BYTES);
/** More projects than this surely take more than {@link MERGE_BYTES}: each has a key. */
export const MERGE_PROJECTS: number = Math.floor(MERGE_BYTES / (PROJECT_BYTES + KEY_BYTES));

/** Who signs for a project: one delegation of a leaf of `claimed` or `recently-claimed`. */
export interface ProjectDelegation {
  readonly project: ProjectName;
  /** `project.django`, or one of its next generations. */
  readonly role: string;
  /** All that may sign, each with the keyid that follows from its content. */
  readonly keys: readonly PublicKey[];
  /** How many of them have to. */
  readonly threshold: number;
}

/** What a leaf holds: targets in `unclaimed` and `rarely-updated`, projects in `claimed` and `recently-claimed`. */
export type LeafContent =
  | { readonly targets: ReadonlyMap<TargetPath, TargetFile> }
  | { readonly projects: ReadonlyMap<ProjectName, ProjectDelegation> };

/** A role that answers by itself. */
export type BinLeaf = LeafContent & { readonly prefix: string };
/** A role of a tree as it is to be signed. */
export type BinRole = BinLeaf | BranchRole;

/**
 * What becomes of the role at `prefix` when it and what is below it hold `content`: a leaf, or, past the size limit, a branch and its
 * children, deepest roles first. What is of one bin stays together, however much: splitting would only make the way longer.
 * @param childrenOf what the children that a branch has add to its prefix, empty for what is no branch; all of them stay
 */
export function planLeaf(prefix: string, content: LeafContent, childrenOf: ChildrenOf = () => ''): BinRole[] {
  if ('targets' in content) return split(prefix, targetPieces(content.targets), (targets) => ({ targets }), childrenOf);
  return split(prefix, projectPieces(content.projects), (projects) => ({ projects }), childrenOf);
}

/** Whether a branch with this content below it becomes a leaf again, when all its children are leaves. */
export function fitsMerged(content: LeafContent): boolean {
  const pieces = 'targets' in content ? targetPieces(content.targets) : projectPieces(content.projects);
  return sizeOf(pieces) <= MERGE_BYTES;
}

type ChildrenOf = (prefix: string) => string;

/** What one target or one project takes of a leaf. */
interface Piece<K, V> {
  readonly bin: string;
  readonly entry: readonly [K, V];
  /** About its bytes in canonical JSON; splitting needs no more than that. */
  readonly bytes: number;
}

function split<K, V>(
  prefix: string,
  pieces: readonly Piece<K, V>[],
  leafOf: (content: ReadonlyMap<K, V>) => LeafContent,
  childrenOf: ChildrenOf,
): BinRole[] {
  const [first] = pieces;
  const known = childrenOf(prefix);
  if (known === '' && (sizeOf(pieces) <= BIN_BYTES || pieces.every(({ bin }) => bin === first?.bin)))
    return [{ prefix, ...leafOf(new Map(pieces.map(({ entry }) => entry))) }];
  const children = new Map(Array.from(known, (digit): [string, Piece<K, V>[]] => [digit, []]));
  for (const piece of pieces) {
    const digit = piece.bin.charAt(prefix.length);
    const child = children.get(digit);
    if (child) child.push(piece);
    else children.set(digit, [piece]);
  }
  const digits = [...children.keys()].sort();
  const planned = digits.flatMap((digit) => split(prefix + digit, children.get(digit) ?? [], leafOf, childrenOf));
  return [...planned, { prefix, digits: digits.join('') }];
}

const sizeOf = (pieces: readonly { readonly bytes: number }[]): number =>
  pieces.reduce((sum, { bytes }) => sum + bytes, 0);

function targetPieces(targets: ReadonlyMap<TargetPath, TargetFile>): Piece<TargetPath, TargetFile>[] {
  return Array.from(targets, (entry) => {
    const [path, file] = entry;
    let bytes = path.length + TARGET_BYTES;
    for (const [key, value] of file.custom ?? []) {
      bytes += key.length + 6 + (typeof value === 'string' ? value.length : value instanceof Map ? 100 : 4);
    }
    return { bin: path.slice(0, BIN_DIGITS), entry, bytes };
  });
}

function projectPieces(projects: ReadonlyMap<ProjectName, ProjectDelegation>): Piece<ProjectName, ProjectDelegation>[] {
  return Array.from(projects, (entry) => {
    const [project, { role, keys }] = entry;
    let bytes = PROJECT_BYTES + project.length + role.length;
    for (const key of keys) bytes += KEY_BYTES + key.public.length + key.scheme.length + key.keytype.length;
    return { bin: projectBin(project), entry, bytes };
  });
}
