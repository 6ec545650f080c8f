import { type BinRole, binRoleJson, binRoleName, projectBin, type LeafContent, type Top } from '@holdfast/trust';
import { type Signer, signMetadata } from '@holdfast/tuf';
import { type KeySet, publicKeys, roleKeysOf } from './keys.ts';
import type { Listing, SignedRole } from './publication.ts';

export interface TreeSigning {
  readonly version: number;
  readonly expires: Date;
  /** Whom the branches name for the roles below them. */
  readonly named: KeySet;
  /** Who signs in fact. */
  readonly signers: readonly Signer[];
}

/** All roles of a bin tree: a branch with a leaf for each first digit that occurs, or one empty leaf. */
export async function signTree(top: Top, content: LeafContent, signing: TreeSigning): Promise<Listing> {
  const { version, expires, named, signers } = signing;
  const treeKeys = { roleKeys: roleKeysOf(named), keys: publicKeys(named) };
  const signed = binRolesOf(content).map(async (bin): Promise<readonly [string, SignedRole]> => {
    const json = binRoleJson(top, bin, version, expires, treeKeys);
    return [binRoleName(top, bin.prefix), { version, bytes: await signMetadata(json, signers) }];
  });
  return new Map(await Promise.all(signed));
}

function binRolesOf(content: LeafContent): readonly BinRole[] {
  const leaves =
    'targets' in content
      ? byDigit(content.targets, (path) => path).map(([prefix, targets]): BinRole => ({ prefix, targets }))
      : byDigit(content.projects, projectBin).map(([prefix, projects]): BinRole => ({ prefix, projects }));
  if (leaves.length === 0) return [{ prefix: '', ...content }];
  return [{ prefix: '', digits: leaves.map(({ prefix }) => prefix).join('') }, ...leaves];
}

function byDigit<K, V>(
  content: ReadonlyMap<K, V>,
  binOf: (key: K) => string,
): readonly (readonly [string, Map<K, V>])[] {
  const digits = new Map<string, Map<K, V>>();
  for (const [key, value] of content) {
    const digit = binOf(key).charAt(0);
    digits.set(digit, (digits.get(digit) ?? new Map<K, V>()).set(key, value));
  }
  return [...digits].sort(([a], [b]) => (a < b ? -1 : 1));
}
