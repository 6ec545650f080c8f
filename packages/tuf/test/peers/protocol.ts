/**
 * What the tests ask of a peer, and what it answers: JSON, one line each, on stdin and stdout of a program that stays.
 * Files are base64 by the decoded path that a web server would find them under.
 */
export interface StepRequest {
  readonly files: Readonly<Record<string, string>>;
  readonly lookups: readonly string[];
}

/** One client, started anew for every step, on one cache. */
export interface CaseRequest {
  readonly op: 'case';
  /** The root that comes with the client, base64. */
  readonly trusted: string;
  readonly steps: readonly StepRequest[];
}

/** Time to read targets metadata and to verify it with the root's keys. */
export interface VerifyRequest {
  readonly op: 'verify';
  readonly rootFile: string;
  readonly targetsFile: string;
  readonly runs: number;
}

/** Time to refresh and to look one target up over HTTP, with an empty cache and with the one left by that. */
export interface ClientRequest {
  readonly op: 'client';
  readonly rootFile: string;
  readonly metadataUrl: string;
  readonly target: string;
  readonly runs: number;
}

/** Lookups in several repositories (TAP 4), whose addresses are in the map; only go-tuf can do that. */
export interface MapRequest {
  readonly op: 'map';
  /** The map file, base64. */
  readonly map: string;
  /** Trusted roots by repository, base64. */
  readonly roots: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
}

export type PeerRequest = CaseRequest | VerifyRequest | ClientRequest;

/** Without members: no role that may say so lists the target. */
export interface LookupAnswer {
  readonly refused?: string;
  readonly length?: number;
  readonly hashes?: Readonly<Record<string, string>>;
}

export interface StepAnswer {
  /** Why the refresh failed; then there are no lookups. */
  readonly refused?: string;
  readonly lookups: readonly LookupAnswer[];
}

export interface CaseAnswer {
  readonly steps: readonly StepAnswer[];
}

/** Milliseconds of each run. */
export interface VerifyAnswer {
  readonly ms: readonly number[];
}

export interface ClientAnswer {
  readonly cold: readonly number[];
  readonly warm: readonly number[];
}

export interface MapAnswer {
  /** Why the map was refused; then there are no lookups. */
  readonly refused?: string;
  readonly lookups: readonly (LookupAnswer & { readonly repositories?: readonly string[] })[];
}
