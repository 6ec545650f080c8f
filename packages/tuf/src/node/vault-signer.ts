import { checkedSigner } from '../checked-signer.ts';
import { KeyError, SignerError } from '../errors.ts';
import { publicKeyFromSpki } from '../keys/from-spki.ts';
import { hashOf } from '../keys/schemes.ts';
import { ed25519Spki } from '../keys/spki.ts';
import type { PublicKey } from '../model.ts';
import type { Signer } from '../sign.ts';
import { digestFor } from './digest.ts';
import { askVault, member, type VaultConnection, vaultBase } from './vault/request.ts';

/** For {@link vaultSigner}. */
export interface VaultSignerOptions {
  /** Where HashiCorp Vault or OpenBao is: https, or http on this machine. */
  readonly address: string;
  /** The name of a key in the transit engine: ed25519, ecdsa-p256, ecdsa-p384 or rsa. */
  readonly key: string;
  /** Default: the latest when the signer is made. It stays, so that a rotation in Vault is noticed by nobody unprepared. */
  readonly version?: number;
  /** What an RSA key signs with; `rsassa-pss-sha256` by default. */
  readonly scheme?: string;
  /** Where the transit engine is mounted; default `transit`. */
  readonly mount?: string;
  /** Of Vault Enterprise or OpenBao; none by default. */
  readonly namespace?: string;
  /** Asked before each request, so that it can be a short-lived one. It needs `read` on the key, and `update` to sign. */
  readonly token: () => string | Promise<string>;
  /** For one request with its answer; default 30 000. */
  readonly timeoutMs?: number;
  /** For connections of another kind, such as with a client certificate. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A signer whose key never leaves Vault's (or OpenBao's) transit engine. RSA and ecdsa keys are sent a digest; ed25519 keys the
 * whole content, which Vault limits to 32 MiB in base64.
 * @throws RangeError for an address that is not https and not this machine
 * @throws KeyError for a key that no scheme fits
 * @throws SignerError: `unreachable`, `timeout`, `no-such-key`, `refused`, `unsupported`, `invalid-answer`; from `sign` also
 *   `invalid-signature`
 */
export async function vaultSigner(options: VaultSignerOptions): Promise<Signer> {
  const connection: VaultConnection = {
    holder: `Vault (key ${options.key})`,
    base: vaultBase(options.address),
    namespace: options.namespace,
    timeoutMs: options.timeoutMs ?? 30_000,
    token: options.token,
    fetch: options.fetch ?? globalThis.fetch,
  };
  const mount = (options.mount ?? 'transit').split('/').map(encodeURIComponent).join('/');
  const name = encodeURIComponent(options.key);
  const stored = await askVault(connection, `${mount}/keys/${name}`);
  const version = options.version ?? member(stored, 'latest_version');
  if (typeof version !== 'number') throw new SignerError(connection.holder, 'invalid-answer', 'no latest_version');
  const key = await publicKeyOf(connection.holder, stored, version, options.scheme);
  return checkedSigner(connection.holder, key, async (data) => {
    const request = { key_version: version, ...contentFor(key, data) };
    return signatureOf(connection.holder, version, await askVault(connection, `${mount}/sign/${name}`, request));
  });
}

async function publicKeyOf(
  holder: string,
  stored: unknown,
  version: number,
  scheme: string | undefined,
): Promise<PublicKey> {
  const found = member(member(stored, 'keys'), String(version));
  if (found === undefined) throw new SignerError(holder, 'no-such-key', `it has no version ${version}`);
  const material = member(found, 'public_key');
  if (typeof material !== 'string' || material === '') {
    const type = member(stored, 'type');
    throw new SignerError(holder, 'unsupported', `a key of type ${JSON.stringify(type)} has no public part`);
  }
  if (material.startsWith('-----')) return publicKeyFromSpki(material, scheme);
  const spki = ed25519Spki(Buffer.from(material, 'base64').toString('hex'));
  if (spki === undefined) throw new KeyError('', 'its public part is damaged');
  return publicKeyFromSpki(spki, scheme);
}

function contentFor(key: PublicKey, data: Uint8Array): object {
  const digest = digestFor(key, data);
  if (digest === undefined) return { input: Buffer.from(data).toString('base64') };
  return {
    input: digest.toString('base64'),
    prehashed: true,
    hash_algorithm: hashOf(key)?.replace('sha', 'sha2-'),
    marshaling_algorithm: 'asn1',
    signature_algorithm: key.scheme.startsWith('rsa-pkcs1v15') ? 'pkcs1v15' : 'pss',
    salt_length: 'hash',
  };
}

/** `vault:v3:BASE64`, where 3 is the version of the key. */
function signatureOf(holder: string, version: number, answer: unknown): Uint8Array {
  const text = member(answer, 'signature');
  const match = typeof text === 'string' ? /^vault:v(\d{1,10}):([A-Za-z0-9+/]+={0,2})$/.exec(text) : null;
  if (match?.[2] === undefined) throw new SignerError(holder, 'invalid-answer', 'no signature');
  if (Number(match[1]) !== version)
    throw new SignerError(holder, 'invalid-answer', `signed with version ${match[1]} instead of ${version}`);
  return Buffer.from(match[2], 'base64');
}
