export * from './errors.ts';
export type { AskSecret, SecretRequest } from './keys/ask-secret.ts';
export { createKey, type CreateKeyOptions } from './keys/create-key.ts';
export { chooseKey, forgetKey, type KeyFilter, listKeys } from './keys/key-ring.ts';
export type { KeyRecord, KeySource } from './keys/key-record.ts';
export { describeSource, openRecord, openSigner, type OpenSignerOptions, openSource } from './keys/open-signer.ts';
export { phraseKey, type PhraseOwner } from './keys/phrase-key.ts';
export { checkStrength, FILE_PASSPHRASE_BITS } from './keys/strength.ts';
export { proposePhrase } from './keys/word-list.ts';
export { type ApiAnswer, type CallOptions, IndexApi, type IndexApiOptions, type Upload } from './account/index-api.ts';
export {
  type Account,
  type AccountKey,
  getAccount,
  type KeyRequest,
  registerKey,
  requestKey,
  unregisterKey,
} from './account/account-keys.ts';
export { findToken } from './account/find-token.ts';
export { firstRootFingerprint } from './account/first-root.ts';
export { readRequestCode, requestCode } from './account/request-code.ts';
export {
  type ChosenIndex,
  chooseIndex,
  openSession,
  type OpenSessionOptions,
  type Session,
} from './account/session.ts';
export { forgetToken } from './account/token-store.ts';
export { covers, labelOf, rolesOf } from './project/coverage.ts';
export { inspectFile, inspectFiles, type LocalFile, projectOfFiles } from './project/local-files.ts';
export { editorOf, lastVersion } from './project/next-role.ts';
export { ProjectApi } from './project/project-api.ts';
export type { ProjectStatus, StagedFile, WaitingTransaction } from './project/project-status.ts';
export type { TransactionAnswer } from './project/project-transaction.ts';
export { stagedAs } from './project/release.ts';
export { seen, settle, type Settled } from './project/settle.ts';
export { projectApi, type Workbench } from './project/workbench.ts';
export { type ClaimOptions, type ClaimOutcome, type ClaimView, claimProject } from './project/claim.ts';
export { type Cosignable, cosign, cosignable } from './project/cosign.ts';
export { type Delegation, delegate, filesBelow, roleNamed, type Undelegation, undelegate } from './project/delegate.ts';
export { describeTransaction, type RoleView, type TransactionView } from './project/describe-transaction.ts';
export { discardFiles, type Removal, stagedNamed, withdrawChanges } from './project/discard.ts';
export { type GivenKey, readGivenKey } from './project/given-key.ts';
export { type Overview, overviewJson } from './project/overview.ts';
export { drawProject, waitsFor } from './project/project-picture.ts';
export { type Release, release, type ReleaseOptions, type ReleaseProgress } from './project/release.ts';
export { type NewHolders, projectsOf, revoke, rotate, type RotateOptions } from './project/rotate.ts';
export { planStaged, renew, signStaged, type StagedPlan } from './project/sign-staged.ts';
export { type Yanked, yankFiles, type YankOptions } from './project/yank.ts';
