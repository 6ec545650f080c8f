import type { KeyManagementServiceClient } from '@google-cloud/kms';
import {
  callService,
  checkedSigner,
  hashOf,
  publicKeyFromSpki,
  type Signer,
  SignerError,
  type SignerProblem,
} from '@holdfast/tuf';
import { digestFor } from '@holdfast/tuf/node';

export interface GoogleKmsSignerOptions {
  /** From Google's library: it knows the credentials. */
  readonly client: KeyManagementServiceClient;
  /** `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/1`: a version, because each has a key of its own. */
  readonly keyVersion: string;
  /** For one call with its retries; default 30 000. */
  readonly timeoutMs?: number;
}

/**
 * A signer whose key never leaves Google Cloud KMS: EC_SIGN_P256_SHA256, EC_SIGN_P384_SHA384, RSA_SIGN_PSS_…, EC_SIGN_ED25519
 * (the last is sent the content, which the service limits to 64 KiB; the others digests).
 * It needs the role `roles/cloudkms.signerVerifier` on the key.
 * @throws SignerError: `unreachable`, `timeout`, `no-such-key`, `refused`, `unsupported`; from `sign` also `invalid-signature`
 * @throws KeyError for a key that no scheme fits
 */
export async function googleKmsSigner(options: GoogleKmsSignerOptions): Promise<Signer> {
  const { client, keyVersion: name, timeoutMs = 30_000 } = options;
  const holder = `Google Cloud KMS (${name})`;
  const [found] = await callService(holder, timeoutMs, problemOf, () =>
    client.getPublicKey({ name }, { timeout: timeoutMs }),
  );
  const key = await publicKeyFromSpki(found.pem ?? '', schemeOf(holder, String(found.algorithm)));
  const hash = hashOf(key);
  return checkedSigner(holder, key, async (data) => {
    // Google's checksums against damage on the way are left out: the signature is verified, which finds more.
    const content = hash === undefined ? { data } : { digest: { [hash]: digestFor(key, data) } };
    const [{ signature }] = await callService(holder, timeoutMs, problemOf, () =>
      client.asymmetricSign({ name, ...content }, { timeout: timeoutMs }),
    );
    return typeof signature === 'string' ? Buffer.from(signature, 'base64') : (signature ?? new Uint8Array());
  });
}

/** A key version has one algorithm for ever. */
function schemeOf(holder: string, algorithm: string): string {
  if (algorithm === 'EC_SIGN_ED25519') return 'ed25519';
  if (algorithm === 'EC_SIGN_P256_SHA256') return 'ecdsa-sha2-nistp256';
  if (algorithm === 'EC_SIGN_P384_SHA384') return 'ecdsa-sha2-nistp384';
  const [, padding, bits] = /^RSA_SIGN_(PSS|PKCS1)_\d+_SHA(256|512)$/.exec(algorithm) ?? [];
  if (padding === undefined) throw new SignerError(holder, 'unsupported', `a key for ${algorithm}`);
  return `${padding === 'PSS' ? 'rsassa-pss' : 'rsa-pkcs1v15'}-sha${bits}`;
}

/** The codes of gRPC. */
const PROBLEMS: ReadonlyMap<unknown, SignerProblem> = new Map([
  [3, 'unsupported'], // INVALID_ARGUMENT
  [4, 'timeout'], // DEADLINE_EXCEEDED
  [5, 'no-such-key'], // NOT_FOUND
  [7, 'refused'], // PERMISSION_DENIED
  [9, 'refused'], // FAILED_PRECONDITION: disabled, destroyed
  [16, 'refused'], // UNAUTHENTICATED
]);

function problemOf(error: unknown): SignerProblem {
  return (error instanceof Error ? PROBLEMS.get(Reflect.get(error, 'code')) : undefined) ?? 'unreachable';
}
