import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  randomBytes,
  scrypt,
  type ScryptOptions,
} from 'node:crypto';
import { open } from 'node:fs/promises';
import { KeyFileError } from '../errors.ts';
import { encodeJson } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { toJson } from '../json/to-json.ts';
import type { JsonObject } from '../json/value.ts';
import { asInteger, asObject, asString } from '../parse/fields.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { isLocalScheme, type LocalSigner, localSigner } from './local-signer.ts';

/** The format is specified in docs/formats/key-file.md. */
const FORMAT = 'holdfast-key-1';
/** 128 MiB and about 0.3 s per guess (RFC 7914; N as OWASP recommends). */
const SCRYPT = { N: 1 << 17, r: 8, p: 1 };
/** A file may ask for at most this much: reading one must not exhaust the machine. */
const MAX_SCRYPT_MEMORY = 1 << 29;
const MAX_SCRYPT_P = 16;
const MAX_FILE_BYTES = 64 * 1024;

/**
 * Writes a private key, readable by its owner only (mode 0600), encrypted when a passphrase is given.
 * The file appears whole or not at all.
 */
export async function writeKeyFile(path: string, signer: LocalSigner, passphrase: string | undefined): Promise<void> {
  const { keytype, scheme } = signer.key;
  const plain = signer.privateKey.export({ format: 'der', type: 'pkcs8' });
  const header = { format: FORMAT, keytype, scheme, public: signer.key.public };
  const file =
    passphrase === undefined
      ? { ...header, private: plain.toString('base64') }
      : { ...header, ...(await encrypt(plain, passphrase, header)) };
  await writeFileAtomic(path, encodeJson(toJson(file)), { mode: 0o600 });
}

/**
 * Reads a key file (docs/formats/key-file.md), which nobody changed if it has a passphrase.
 * @throws KeyFileError when the file is damaged or the passphrase does not open it
 */
export async function readKeyFile(path: string, passphrase: string | undefined): Promise<LocalSigner> {
  return openKeyFile(path, await readLimited(path), passphrase);
}

/**
 * The key in the content of a key file, wherever it was kept.
 * @param name what errors call it
 * @throws KeyFileError when it is damaged or the passphrase does not open it
 */
export async function openKeyFile(
  name: string,
  bytes: Uint8Array,
  passphrase: string | undefined,
): Promise<LocalSigner> {
  try {
    return await openKey(name, asObject(parseJson(bytes), 'key file'), passphrase);
  } catch (error) {
    throw error instanceof KeyFileError ? error : new KeyFileError(name, 'damaged', error);
  }
}

async function openKey(path: string, file: JsonObject, passphrase: string | undefined): Promise<LocalSigner> {
  const field = (name: string): string => asString(file.get(name), name);
  const header = {
    format: field('format'),
    keytype: field('keytype'),
    scheme: field('scheme'),
    public: field('public'),
  };
  const { scheme } = header;
  if (header.format !== FORMAT || !isLocalScheme(scheme)) throw new KeyFileError(path, 'damaged');
  let plain: Buffer;
  if (file.has('kdf')) {
    if (passphrase === undefined) throw new KeyFileError(path, 'passphrase-missing');
    plain = await decrypt(path, file, passphrase, header);
  } else {
    plain = Buffer.from(field('private'), 'base64');
  }
  const signer: LocalSigner = await localSigner(createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }), scheme);
  plain.fill(0);
  if (signer.key.public !== header.public || signer.key.keytype !== header.keytype)
    throw new KeyFileError(path, 'damaged');
  return signer;
}

type Header = Readonly<Record<'format' | 'keytype' | 'scheme' | 'public', string>>;

async function encrypt(plain: Buffer, passphrase: string, header: Header): Promise<Record<string, unknown>> {
  const kdf = { name: 'scrypt', ...SCRYPT, salt: randomBytes(32).toString('base64') };
  const nonce = randomBytes(12);
  const secret = await derive(passphrase, Buffer.from(kdf.salt, 'base64'), SCRYPT);
  const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(encodeJson(toJson({ ...header, kdf })));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  plain.fill(0);
  return { kdf, cipher: 'aes-256-gcm', nonce: nonce.toString('base64'), private: sealed.toString('base64') };
}

async function decrypt(path: string, file: JsonObject, passphrase: string, header: Header): Promise<Buffer> {
  const kdf = asObject(file.get('kdf'), 'kdf');
  const cost = (name: 'N' | 'r' | 'p'): number => asInteger(kdf.get(name), 1, `kdf.${name}`);
  const parameters = { N: cost('N'), r: cost('r'), p: cost('p') };
  const tooDear = 128 * parameters.N * parameters.r > MAX_SCRYPT_MEMORY || parameters.p > MAX_SCRYPT_P;
  const named = kdf.get('name') === 'scrypt' && file.get('cipher') === 'aes-256-gcm';
  if (tooDear || !named) throw new KeyFileError(path, 'damaged');
  const nonce = Buffer.from(asString(file.get('nonce'), 'nonce'), 'base64');
  const sealed = Buffer.from(asString(file.get('private'), 'private'), 'base64');
  if (nonce.length !== 12 || sealed.length < 16) throw new KeyFileError(path, 'damaged');
  const secret = await derive(passphrase, Buffer.from(asString(kdf.get('salt'), 'kdf.salt'), 'base64'), parameters);
  const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: 16 });
  // Everything beside the private part is authenticated, so that nobody can lower the cost or rename the key.
  decipher.setAAD(encodeJson(toJson({ ...header, kdf }))).setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch (cause) {
    throw new KeyFileError(path, 'passphrase-wrong', cause);
  }
}

/** The passphrase counts in Unicode form NFC, so that it does not matter on which keyboard it was typed. */
function derive(passphrase: string, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 128 * cost.N * cost.r + 128 * cost.r * cost.p + (1 << 20) };
  return new Promise((resolve, reject) => {
    scrypt(Buffer.from(passphrase.normalize('NFC')), salt, 32, options, (error, secret) =>
      error ? reject(error) : resolve(secret),
    );
  });
}

async function readLimited(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead > MAX_FILE_BYTES) throw new KeyFileError(path, 'damaged');
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
