export { type Ceremony, type CeremonyResult, type CeremonyRole, holdCeremony } from './ceremony.ts';
export {
  ExportRefusedError,
  HoldersError,
  NothingToSignError,
  OfflineDirectoryError,
  OfflineFileError,
  SignaturesRefusedError,
} from './errors.ts';
export type {
  Decisions,
  ExportItem,
  SigningOrder,
  Term,
} from './export/model.ts';
export { writeDecided, writeExport } from './export/write.ts';
export { rootFingerprint } from './fingerprint.ts';
export { type FirstMetadata, readFirst, writeFirst } from './first-file.ts';
export { type HolderRole, type Holders, isOfflineRole, OFFLINE_ROLES, type OfflineRole } from './holders.ts';
export { nextRoot, type RootChanges } from './next-root.ts';
export { nextTargets, type TargetsChanges } from './next-targets.ts';
export { readPublicKeyFile, readRequest, writePublicKeyFile, writeRequest } from './request-file.ts';
export { loadExport, type LoadedExport, readItems } from './signing/load.ts';
export { mergeSignatures, type SignedOffer } from './signing/merge.ts';
export type { NextRole } from './signing/next-role.ts';
export { planSigning, type SigningPlan } from './signing/plan.ts';
export { type OfflineSignature, type OnSigned, signPlan } from './signing/sign.ts';
export { readSignatures, type SignaturesFile, writeSignatures } from './signing/signatures-file.ts';
export { type Review, review, type ReviewedClaim, type ReviewedHolders, type ReviewedQuiet } from './review/review.ts';
export { reviewText } from './review/words.ts';
export { changedHolders, type HolderChange, holdersNow } from './export/change-holders.ts';
