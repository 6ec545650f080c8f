export type { Freshness, VerifiedDistribution, VerifiedProject, Voucher } from './client/verified-project.ts';
export type { ProjectSigning, SignedRole, SigningRole } from './client/project-signing.ts';
export { IndexClient, type OpenClientOptions } from './client/index-client.ts';
export type { FollowedFeed, KeptFeed } from './client/feed.ts';
export type { Notice } from './client/notice.ts';
export * from './errors.ts';
export { basicAuthorization, type Credentials, netrcCredentials, takeCredentials } from './fetch/credentials.ts';
export { DEFAULT_LIMITS, type FetchLimits } from './fetch/limits.ts';
export { parseMirrorUrl } from './fetch/mirror.ts';
export { Mirrors } from './fetch/mirrors.ts';
export type { OpenResponse } from './fetch/origin.ts';
export { sendOnce, type SendOptions } from './fetch/send.ts';
export { readSmallBody } from './fetch/small-body.ts';
export { holdfastHome } from './home.ts';
export { type Explanation, explain } from './messages.ts';
export type { HandedOut, Refusal } from './proxy/journal.ts';
export { type ProxyOptions, type RunningProxy, startProxy } from './proxy/start-proxy.ts';
export type { ToolKind } from './run/find-tool.ts';
export { Reporter } from './run/reporter.ts';
export { type RunOptions, runThroughProxy } from './run/run-through-proxy.ts';
export {
  type AddTrustOptions,
  addTrust,
  findTrust,
  forgetTrustedTime,
  listTrust,
  readTrustedRoot,
  removeTrust,
} from './trust/trust-store.ts';
export { type TrustedIndex, withoutCredentials } from './trust/trusted-index.ts';
export { type ChainOfTrust, drawChain } from './chain-picture.ts';
export { type Downloaded, download } from './download.ts';
export { type FileVerdict, verifyFiles } from './verify-files.ts';
