import type { JsonWebKey, KeyClient, SignatureAlgorithm } from '@azure/keyvault-keys';
import {
  callService,
  checkedSigner,
  ecdsaDerSignature,
  problemOfHttpStatus,
  type PublicKey,
  type Signer,
  SignerError,
  type SignerProblem,
} from '@holdfast/tuf';
import { digestFor, publicKeyFromJwk } from '@holdfast/tuf/node';

export interface AzureKeyVaultSignerOptions {
  /** From Azure's library: it knows the vault and the credentials. */
  readonly client: KeyClient;
  /** The name of a key: EC on P-256 or P-384, RSA of 2048 to 4096 bits; in software or in an HSM. */
  readonly key: string;
  /** Default: the current one when the signer is made. It stays, so that a rotation is noticed by nobody unprepared. */
  readonly version?: string;
  /** What an RSA key signs with; `rsassa-pss-sha256` by default. */
  readonly scheme?: string;
  /** For one call with its retries; default 30 000. */
  readonly timeoutMs?: number;
}

/**
 * A signer whose key never leaves Azure Key Vault or Managed HSM; it is sent digests. It needs the permissions `get` and `sign`.
 * @throws SignerError: `unreachable`, `timeout`, `no-such-key`, `refused`, `unsupported`; from `sign` also `invalid-signature`
 * @throws KeyError for a key that no scheme fits
 */
export async function azureKeyVaultSigner(options: AzureKeyVaultSignerOptions): Promise<Signer> {
  const { client, key: name, version, scheme, timeoutMs = 30_000 } = options;
  const holder = `Azure Key Vault (key ${name})`;
  const found = await callService(holder, timeoutMs, problemOf, (abortSignal) =>
    client.getKey(name, { abortSignal, ...(version === undefined ? {} : { version }) }),
  );
  const key = await publicKeyFromJwk(plainJwk(found.key ?? {}), scheme);
  const algorithm = algorithmOf(holder, key);
  const { version: keyVersion } = found.properties;
  const vault = client.getCryptographyClient(name, keyVersion === undefined ? {} : { keyVersion });
  return checkedSigner(holder, key, async (data) => {
    const digest = digestFor(key, data) ?? data;
    const { result } = await callService(holder, timeoutMs, problemOf, (abortSignal) =>
      vault.sign(algorithm, digest, { abortSignal }),
    );
    return key.keytype === 'ecdsa' ? ecdsaDerSignature(result) : result;
  });
}

const ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['ecdsa-sha2-nistp256', 'ES256'],
  ['ecdsa-sha2-nistp384', 'ES384'],
  ['rsassa-pss-sha256', 'PS256'],
  ['rsassa-pss-sha384', 'PS384'],
  ['rsassa-pss-sha512', 'PS512'],
]);

function algorithmOf(holder: string, { scheme }: PublicKey): SignatureAlgorithm {
  const algorithm = ALGORITHMS.get(scheme);
  if (algorithm === undefined) throw new SignerError(holder, 'unsupported', `the scheme ${scheme}`);
  return algorithm;
}

/** As RFC 7517 has it: text instead of bytes, and no mark for keys in an HSM. */
function plainJwk({ kty, crv, x, y, n, e }: JsonWebKey): Record<string, string> {
  const text = { x, y, n, e };
  const numbers = Object.entries(text).map(([name, bytes]) => [
    name,
    bytes && Buffer.from(bytes).toString('base64url'),
  ]);
  const present = [['kty', kty?.replace('-HSM', '')], ['crv', crv], ...numbers].filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(present) as Record<string, string>;
}

/**
 * Besides the service, the library itself refuses, such as a key past its expiry, and stumbles over answers that it does not expect.
 */
function problemOf(error: unknown): SignerProblem {
  if (error instanceof TypeError) return 'invalid-answer';
  if (!(error instanceof Error) || error.name !== 'RestError') return 'refused';
  const status: unknown = Reflect.get(error, 'statusCode');
  return problemOfHttpStatus(typeof status === 'number' ? status : undefined);
}
