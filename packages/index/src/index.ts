export { DEFAULT_UPLOAD_LIMITS, type UploadLimits } from './upload/limits.ts';
export { startMetricsServer } from './http/metrics-server.ts';
export { type RunningServer, type ServerObserver, type ServerOptions, startServer } from './http/server.ts';
export type { ServedIndex } from './http/served-index.ts';
export { Accounts, type Identity, type TokenEntry } from './accounts/accounts.ts';
export * from './errors.ts';
export {
  addOnlineKey,
  initIndex,
  type NewIndex,
  openAccounts,
  openIndex,
  type OpenOptions,
  isRequested,
  requestIndex,
  setNextSigning,
} from './open.ts';
export { migrateIndex, type MigrationProgress } from './migrate/migrate.ts';
export { assertNewStores } from './new-stores.ts';
export { OpenIndex } from './open-index.ts';
export { OfflineDesk } from './offline/open-offline.ts';
export type { LeavingFact, QuietPolicy } from './offline/facts.ts';
export type { OfferOutcome } from './offline/offers.ts';
export type { OfflineOffer } from './publish/offline.ts';
export { assertLocations } from './config.ts';
export { openTracer } from './tracing/open-telemetry.ts';
export type { Tracer } from './tracing/tracer.ts';
export { backupIndex, type BackupReport } from './backup/backup.ts';
export { restoreIndex, type RestoreOptions, type RestoreReport } from './backup/restore.ts';
export { Metrics } from './metrics.ts';
export { createLogger, LOG_LEVELS, type LogLevel } from './log.ts';
export type { Lifetimes } from './publish/lifetimes.ts';
export type { StoreLocations } from './stores.ts';
export type { ImportProblem, ImportSource } from './import/entry.ts';
export { importFiles, type ImportFilesOptions, type ImportSummary } from './import/import-files.ts';
export { directorySource } from './import/directory-source.ts';
export { SourceError } from './import/index-fetch.ts';
export { linesSource } from './import/lines-source.ts';
export { SimplePageError } from './import/simple-page.ts';
export { urlSource } from './import/url-source.ts';
export { checkRecords } from './check-records.ts';
export {
  planRecover,
  type Recovered,
  recoverIndex,
  type RecoverOptions,
  type RecoverWatch,
  type RecoveryFacts,
} from './recover/recover.ts';
export type { RecoveredObject } from './recover/recover-objects.ts';
export { compareWithBackup } from './recover/compare-backup.ts';
export {
  type FileComparison,
  type FileReport,
  isAsBefore,
  isUnchanged,
  type ProjectComparison,
  type ProjectReport,
} from './recover/compare.ts';
