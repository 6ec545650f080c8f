export { type Ceremony, type CeremonyResult, holdCeremony } from './ceremony.ts';
export { OfflineDirectoryError } from './errors.ts';
export { rootFingerprint } from './fingerprint.ts';
export { nextRoot, type RootChanges } from './next-root.ts';
export { nextTargets, type TargetsChanges } from './next-targets.ts';
