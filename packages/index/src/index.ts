export { DEFAULT_UPLOAD_LIMITS, type UploadLimits } from './upload/limits.ts';
export { type RunningServer, type ServerOptions, startServer } from './http/server.ts';
export type { ServedIndex } from './http/served-index.ts';
