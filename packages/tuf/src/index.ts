export * from './build.ts';
export { checkedSigner } from './checked-signer.ts';
export { ecdsaDerSignature } from './crypto/ecdsa-der.ts';
export type { HashAlgorithm } from './crypto/port.ts';
export * from './errors.ts';
export { canonicalize, compareCodePoints, encodeJson } from './json/canonical.ts';
export { type ParseOptions, parseJson } from './json/parse.ts';
export { toJson } from './json/to-json.ts';
export { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json/value.ts';
export { publicKeyFromSpki } from './keys/from-spki.ts';
export { makePublicKey, readPublicKey } from './keys/public-key.ts';
export { hashOf } from './keys/schemes.ts';
export * from './model.ts';
export { parseSnapshot, parseTimestamp } from './parse/meta.ts';
export { parseRoot } from './parse/root.ts';
export { parseTargets } from './parse/targets.ts';
export { callService, problemOfHttpStatus } from './service-call.ts';
export { addSignature, envelopeBytes, type Signer, signMetadata } from './sign.ts';
export { checkSignatures, type SignatureCheck, verifySignatures } from './verify.ts';
export { forgetTime } from './client/clock-guard.ts';
export { type Announced, HASH_ALGORITHMS, verifyContent } from './client/digests.ts';
export { HttpFetcher, type HttpFetcherOptions } from './client/http-fetcher.ts';
export { DEFAULT_TRANSFER_LIMITS, type TransferLimits } from './client/http-limits.ts';
export type { Fetch, FetchedBody, FetchedResponse, FetchInit, TransferSink } from './client/http-transfer.ts';
export { MemoryMetadataStore } from './client/memory-store.ts';
export {
  DEFAULT_LIMITS,
  type FetchOptions,
  type MembersCheck,
  type MetadataFetcher,
  type MetadataStore,
  type UpdaterLimits,
} from './client/ports.ts';
export { encodeRoleName } from './client/role-name.ts';
export { fetchTarget, targetUrlPath, verifyTarget } from './client/target.ts';
export { TrustedSet, type VerifiedRole } from './client/trusted-set.ts';
export type { OfflineMode } from './client/refresh.ts';
export type { UpdaterProgress } from './client/source.ts';
export type { ProofRequest, ProvenPart, SnapshotProofs } from './client/snapshot-proofs.ts';
export {
  type CallOptions,
  type RoleInfo,
  type RolesInfo,
  type TargetInfo,
  Updater,
  type UpdaterOptions,
} from './client/updater.ts';
export type { RefreshReport } from './client/view.ts';
export type { SoughtPath } from './delegation/match.ts';
export { PathPattern } from './delegation/pattern.ts';
export { type Edge, type Found, MAX_DELEGATIONS, searchTarget, walkDirectory } from './delegation/search.ts';
export { parseRepositoryMap, type RepositoryMap, type RepositoryMapping } from './multi-repository/map.ts';
export type {
  AbsentStatement,
  FailedStatement,
  ListedStatement,
  MappingOutcome,
  RepositoryStatement,
} from './multi-repository/statement.ts';
export {
  type ConsensusInfo,
  MultiRepositoryUpdater,
  type OpenRepository,
  type TargetSource,
} from './multi-repository/updater.ts';
export { NULL_KEY, type RotationInput, revocationJson, rotationJson, rotationMeta } from './rotation/build.ts';
export { type ChainLink, type NextRotation } from './rotation/chain.ts';
export { rotationName, rotationPath } from './rotation/name.ts';
export { isRevocation, parseRotation, type Rotation } from './rotation/rotation.ts';
export * from './repository/index.ts';
