export {
  BIN_BYTES,
  type BinLeaf,
  type BinRole,
  fitsMerged,
  type LeafContent,
  MERGE_FILES,
  MERGE_PROJECTS,
  planLeaf,
  type ProjectDelegation,
} from './bin-leaf.ts';
export { binRoleJson, closedRoleJson, type TreeKeys } from './bin-role-json.ts';
export {
  type BranchRole,
  binPrefix,
  binRange,
  binRoleName,
  branchDelegations,
  DIGITS,
  leafPrefix,
} from './bin-tree.ts';
export { type Bulletin, bulletinIn, bulletinMember } from './bulletin.ts';
export {
  BinTreeError,
  FeedError,
  type FeedFault,
  InvalidTargetError,
  OtherIndexError,
  ProofError,
} from './errors.ts';
export type { FeedChange } from './feed/changes.ts';
export { ChunkEncoder, type ChunkHead, type ChunkPart, decodePart, MAX_PART_BYTES } from './feed/chunk.ts';
export type { FeedSource } from './feed/feed-source.ts';
export { FeedFollower } from './feed/follower.ts';
export { mergedParts, type MergeOptions } from './feed/merge.ts';
export type { FollowedChange, FollowedChanges, PublishedState } from './feed/next-state.ts';
export { endsRange, feedPath, type FeedRange, firstOf, MAX_LEVEL, planRanges, sweptAfter } from './feed/range.ts';
export { assertForIndex, forIndex, identityOf, namedIndex } from './index-identity.ts';
export { type Asker, lookupPath, readAsker } from './lookup-path.ts';
export type { ClaimFact, KeyEventFact, QuietFact, RotatedFact } from './offline-facts.ts';
export { type ApplyDelta, decodeFile, uncoded, type UncodedFile } from './lookup-coding.ts';
export { type LookedUpRole, rolesFor, verifyLookup } from './lookup.ts';
export {
  type Coded,
  decodeLookup,
  encodeLookup,
  type Lookup,
  lookupChunks,
  MAX_LOOKUP_BYTES,
  type SentFile,
} from './lookup-format.ts';
export {
  isLabel,
  MAX_LABELS,
  nextGeneration,
  parseProjectRole,
  parseRotationRole,
  type ProjectRole,
  projectOf,
  projectPattern,
  projectRole,
  rotationRole,
} from './project-role.ts';
export { type BinTree, readBin, readTree } from './read-tree.ts';
export {
  CLAIMED,
  CLOSED,
  minimumDelegations,
  modelOf,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  type RoleHolders,
  type SecurityModel,
  type Top,
  topDelegations,
  TOPS,
  topsOf,
  UNCLAIMED,
} from './roles.ts';
export { entryBytes, type ListedVersion, listedVersions, type RoleEntry } from './snapshot-tree/cell.ts';
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
export { checkTransaction, type TransactionContext } from './transaction/check.ts';
export type { FileOf } from './transaction/files.ts';
export { keyProblem } from './transaction/keys.ts';
export { mergeTransactions } from './transaction/merge.ts';
export {
  MAX_DELEGATIONS_OF_PROJECT,
  MAX_KEYS,
  MAX_ROTATIONS,
  MAX_TRANSACTION_BYTES,
  MAX_YEARS,
} from './transaction/limits.ts';
export { type TransactionFault, TransactionRefusedError } from './transaction/refused.ts';
export { defaultProjectExpiry, type LabelledDelegation, ProjectRoleEditor } from './transaction/role-editor.ts';
export type {
  CheckedRole,
  CheckedTransaction,
  KeysAndThreshold,
  ProjectState,
  ProjectTransaction,
  Standing,
  WaitingFor,
} from './transaction/transaction.ts';
export { decodeTransaction, encodeTransaction, keysFromJson, keysToJson } from './transaction/wire.ts';
export { isWithin } from './pattern-containment.ts';
