import { GetPublicKeyCommand, type KMSClient, SignCommand, type SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import {
  callService,
  checkedSigner,
  problemOfHttpStatus,
  type PublicKey,
  publicKeyFromSpki,
  type Signer,
  SignerError,
  type SignerProblem,
} from '@holdfast/tuf';
import { digestFor } from '@holdfast/tuf/node';

export interface AwsKmsSignerOptions {
  /** From the SDK: it knows the region, the credentials and how often to retry. */
  readonly client: KMSClient;
  /** Id, ARN or alias of a key for signing: ECC_NIST_P256, ECC_NIST_P384, RSA_2048 to RSA_4096. */
  readonly keyId: string;
  /** What an RSA key signs with; `rsassa-pss-sha256` by default. */
  readonly scheme?: string;
  /** For one call with its retries; default 30 000. */
  readonly timeoutMs?: number;
}

/**
 * A signer whose key never leaves AWS KMS; it is sent digests. It needs `kms:GetPublicKey` and `kms:Sign`.
 * @throws SignerError: `unreachable`, `timeout`, `no-such-key`, `refused`, `unsupported`; from `sign` also `invalid-signature`
 * @throws KeyError for a key that no scheme fits
 */
export async function awsKmsSigner(options: AwsKmsSignerOptions): Promise<Signer> {
  const { client, keyId, scheme, timeoutMs = 30_000 } = options;
  const holder = `AWS KMS (key ${keyId})`;
  const found = await callService(holder, timeoutMs, problemOf, (abortSignal) =>
    client.send(new GetPublicKeyCommand({ KeyId: keyId }), { abortSignal }),
  );
  const key = await publicKeyFromSpki(found.PublicKey ?? new Uint8Array(), scheme);
  const algorithm = algorithmOf(holder, key);
  // The id that an alias stood for: an alias that is pointed elsewhere must not change what this signs with.
  const KeyId = found.KeyId ?? keyId;
  return checkedSigner(holder, key, async (data) => {
    const Message = digestFor(key, data);
    const command = new SignCommand({ KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm: algorithm });
    const { Signature } = await callService(holder, timeoutMs, problemOf, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
    return Signature ?? new Uint8Array();
  });
}

const ALGORITHMS: ReadonlyMap<string, SigningAlgorithmSpec> = new Map([
  ['ecdsa-sha2-nistp256', 'ECDSA_SHA_256'],
  ['ecdsa-sha2-nistp384', 'ECDSA_SHA_384'],
  ['rsassa-pss-sha256', 'RSASSA_PSS_SHA_256'],
  ['rsassa-pss-sha384', 'RSASSA_PSS_SHA_384'],
  ['rsassa-pss-sha512', 'RSASSA_PSS_SHA_512'],
]);

/** Ed25519 keys sign content, not digests, and KMS takes 4 kB of it: too little for metadata. */
function algorithmOf(holder: string, { scheme }: PublicKey): SigningAlgorithmSpec {
  const algorithm = ALGORITHMS.get(scheme);
  if (algorithm === undefined) throw new SignerError(holder, 'unsupported', `the scheme ${scheme}`);
  return algorithm;
}

/** KMS answers most refusals with status 400 and a name. */
function problemOf(error: unknown): SignerProblem {
  if (!(error instanceof Error)) return 'unreachable';
  if (error.name === 'NotFoundException') return 'no-such-key';
  if (error.name === 'InvalidKeyUsageException' || error.name === 'UnsupportedOperationException') return 'unsupported';
  const metadata: unknown = Reflect.get(error, '$metadata');
  const status: unknown =
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'httpStatusCode') : 0;
  return problemOfHttpStatus(typeof status === 'number' && status > 0 ? status : undefined);
}
