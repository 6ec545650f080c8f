import { setTimeout as wait } from 'node:timers/promises';
import type * as sdkTypes from '@aws-sdk/client-s3';
import { isPassing } from './s3-failure.ts';
import type { S3Location } from './s3-location.ts';

export type S3Sdk = typeof sdkTypes;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Milliseconds until a connection must stand. */
export const CONNECT_MS = 5_000;
/** Milliseconds that a connection may stand still in mid-transfer, also because whoever reads a download is slow. */
export const IDLE_MS = 60_000;
export const MAX_CONNECTIONS = 128;
/** A request that fails in a way that may pass is made this often in all. */
const ATTEMPTS = 4;
/** Milliseconds before the second attempt; twice as many before each further one. Chance spreads them. */
const FIRST_DELAY_MS = 100;

const silence = (): void => {};
const SILENT = { trace: silence, debug: silence, info: silence, warn: silence, error: silence };

/**
 * The SDK, loaded by whoever uses it and by nobody else. It does not try again by itself: it cannot for a file that is
 * streamed, and one rule for all is easier to know.
 */
export async function makeClient(
  { endpoint, region }: S3Location,
  credentials?: S3Credentials,
): Promise<{ readonly sdk: S3Sdk; readonly client: sdkTypes.S3Client }> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    // Other services than AWS's have one host name for all buckets, and mostly one region, of any name.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true, region: region ?? 'us-east-1' }),
    ...(region !== undefined && { region }),
    ...(credentials && { credentials }),
    maxAttempts: 1,
    logger: SILENT, // Every failure is thrown; without a logger of ours the SDK also writes to the console.
    // Checksums in trailers are unknown to older servers; the signature and `Content-MD5` cover the bytes already.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      httpAgent: { maxSockets: MAX_CONNECTIONS },
      httpsAgent: { maxSockets: MAX_CONNECTIONS },
    },
  });
  return { sdk, client };
}

/** Does it again, a bounded number of times, when it fails in a way that may pass. */
export async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  for (let failed = 1; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (failed === ATTEMPTS || !isPassing(error)) throw error;
      await wait(FIRST_DELAY_MS * 2 ** (failed - 1) * (0.5 + Math.random()));
    }
  }
}
