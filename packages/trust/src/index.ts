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
export { InvalidTargetError } from './errors.ts';
export { minimumDelegations, type RoleHolders, UNCLAIMED } from './roles.ts';
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
