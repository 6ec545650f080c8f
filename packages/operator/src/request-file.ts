import { open } from 'node:fs/promises';
import { encodeJson, FormatError, isJsonObject, parseJson, type PublicKey, readPublicKey, toJson } from '@holdfast/tuf';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { OfflineFileError } from './errors.ts';

const FORMAT = 'holdfast-offline-request-1';
const MAX_BYTES = 64 * 1024;

/** What a new index asks the ceremony for: that its online key becomes one. */
export async function writeRequest(path: string, online: PublicKey): Promise<void> {
  await writeFileAtomic(path, encodeJson(toJson({ format: FORMAT, online: online.json })));
}

/** The online key that an index asks for. @throws OfflineFileError */
export async function readRequest(path: string): Promise<PublicKey> {
  try {
    const json = parseJson(await readSmallFile(path));
    if (!isJsonObject(json) || json.get('format') !== FORMAT) throw new OfflineFileError(path, `it is no ${FORMAT}`);
    return await readPublicKey(encodeJson(json.get('online') ?? null));
  } catch (cause) {
    throw cause instanceof FormatError ? new OfflineFileError(path, cause.message, { cause }) : cause;
  }
}

/** A public key on its own, as `holdfast admin key` writes it. @throws OfflineFileError */
export async function readPublicKeyFile(path: string): Promise<PublicKey> {
  try {
    return await readPublicKey(await readSmallFile(path));
  } catch (cause) {
    throw cause instanceof FormatError ? new OfflineFileError(path, cause.message, { cause }) : cause;
  }
}

export async function writePublicKeyFile(path: string, key: PublicKey): Promise<void> {
  await writeFileAtomic(path, encodeJson(key.json));
}

async function readSmallFile(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw new OfflineFileError(path, 'it is too long');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
