export {
  BIN_BYTES,
  type BinRole,
  binPrefix,
  binRange,
  binRoleName,
  branchDelegations,
  leafPrefix,
  planLeaf,
} from './bin-tree.ts';
export { InvalidTargetError, ProofError } from './errors.ts';
export { type Asker, lookupPath, readAsker } from './lookup-path.ts';
export { type ApplyDelta, type LookedUpRole, rolesFor, verifyLookup } from './lookup.ts';
export { decodeLookup, encodeLookup, type Lookup, MAX_LOOKUP_BYTES, type SentFile } from './lookup-format.ts';
export { minimumDelegations, type RoleHolders, UNCLAIMED } from './roles.ts';
export type { RoleEntry } from './snapshot-tree/cell.ts';
export { snapshotTreeMember, snapshotTreeRoot } from './snapshot-tree/in-timestamp.ts';
export { rolePosition } from './snapshot-tree/position.ts';
export { MAX_PROOF_BYTES, verifyProof } from './snapshot-tree/proof.ts';
export { SnapshotTree } from './snapshot-tree/tree.ts';
export { type Distribution, decodeTarget, encodeTarget } from './target.ts';
export {
  BIN_DIGITS,
  consistentTargetPath,
  fileUrlPath,
  parseTargetPath,
  projectBin,
  projectDirectory,
  type TargetPath,
  targetPath,
} from './target-path.ts';
