export {
  ArchiveContentError,
  ArchiveError,
  ArchiveFramingError,
  ArchiveLimitError,
  ArchivePathError,
  InvalidFilenameError,
  InvalidMetadataError,
  InvalidNameError,
  InvalidVersionError,
  MetadataMismatchError,
  PythonIndexError,
  type UploadFormCode,
  UploadFormError,
} from './errors.ts';
export { type ProjectName, MAX_NAME_LENGTH, asProjectName, normalizeName } from './names/project-name.ts';
export { type Version, MAX_VERSION_LENGTH, compareVersions, normalizeVersion, parseVersion } from './names/version.ts';
export {
  type DistributionFilename,
  type SdistFilename,
  type WheelFilename,
  MAX_FILENAME_LENGTH,
  parseDistributionFilename,
  sdistFilename,
} from './names/filename.ts';
export { parseFilenameOf } from './names/lenient-filename.ts';
export { type ProjectFile, type ProjectPage, type ProjectStatus, API_VERSION } from './pages/project-page.ts';
export type { RootProject } from './pages/root-page.ts';
export { renderProjectJson, renderRootJson } from './pages/json.ts';
export { renderProjectHtml, renderRootHtml } from './pages/html.ts';
export { type SimpleFormat, negotiateSimpleFormat } from './pages/negotiate.ts';
export { formatUploadTime } from './pages/upload-time.ts';
export { type UploadForm, interpretUploadForm } from './upload/upload-form.ts';
export type { UploadDigests } from './upload/digests.ts';
export { checkUploadFilename } from './upload/upload-filename.ts';
export { type RandomAccess, bytesSource } from './archive/random-access.ts';
export { type ArchiveLimits, DEFAULT_LIMITS } from './archive/limits.ts';
export type { ZipEntry } from './archive/zip/central-directory.ts';
export { openZip, type ZipArchive } from './archive/zip/zip-archive.ts';
export {
  type DistributionMetadata,
  readDistributionMetadata,
  readLegacyDistribution,
} from './distribution/read-distribution.ts';
export {
  type CoreMetadata,
  MAX_METADATA_BYTES,
  directUrlRequirements,
  parseCoreMetadata,
} from './metadata/core-metadata.ts';
