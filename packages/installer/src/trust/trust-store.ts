import { hash } from 'node:crypto';
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { forgetTime, parseRoot, verifySignatures } from '@holdfast/tuf';
import { FileMetadataStore, writeFileAtomic } from '@holdfast/tuf/node';
import {
  AmbiguousIndexError,
  InvalidInputError,
  NoTrustError,
  RootMismatchError,
  TrustExistsError,
} from '../errors.ts';
import { DEFAULT_LIMITS, type FetchLimits } from '../fetch/limits.ts';
import { parseMirrorUrl } from '../fetch/mirror.ts';
import { Mirrors } from '../fetch/mirrors.ts';
import { trustDirectory } from '../home.ts';
import { findRoot } from './find-root.ts';
import { type TrustedIndex, checkFingerprint, checkIndexName, readTrust, writeTrust } from './trusted-index.ts';

export interface AddTrustOptions {
  readonly home: string;
  readonly name: string;
  /** Mirrors in order of preference; user and password may stand in them. */
  readonly urls: readonly string[];
  /** The bytes of a root metadata file, or the SHA-256 of one in hex. */
  readonly root: Uint8Array | string;
  readonly now?: Date;
  readonly environment?: NodeJS.ProcessEnv;
  readonly limits?: FetchLimits;
}

/**
 * Begins to trust an index (P13). With root metadata nothing is fetched; with a fingerprint the root is looked for on the
 * mirrors and accepted only if its SHA-256 is the given one.
 * @throws TrustExistsError, RootMismatchError, InvalidInputError, UnreachableError
 */
export async function addTrust(options: AddTrustOptions): Promise<TrustedIndex> {
  const { home, root, now = new Date(), environment = process.env, limits = DEFAULT_LIMITS } = options;
  const name = checkIndexName(options.name);
  const urls = options.urls.map((url) => parseMirrorUrl(url).href);
  if (urls.length === 0) throw new InvalidInputError('address', '', 'at least one is needed');
  const directory = join(trustDirectory(home), name);
  if (await readTrustFile(directory)) throw new TrustExistsError(name);
  const bytes = typeof root === 'string' ? await fetchRoot(checkFingerprint(root), urls, environment, limits) : root;
  await checkSelfSigned(bytes);
  const trusted = { name, urls, fingerprint: hash('sha256', bytes, 'hex'), addedAt: now, directory };
  await mkdir(join(directory, 'metadata'), { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(directory, 'root.json'), bytes, { mode: 0o600 });
  // Written last: an index is trusted from the moment that this file exists.
  await writeFileAtomic(join(directory, 'trust.json'), Buffer.from(writeTrust(trusted)), { mode: 0o600 });
  return trusted;
}

/** Every trusted index, the longest trusted first. */
export async function listTrust(home: string): Promise<readonly TrustedIndex[]> {
  let names: string[];
  try {
    names = await readdir(trustDirectory(home));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const found = await Promise.all(names.map((name) => readTrustFile(join(trustDirectory(home), name))));
  return found
    .filter((trusted) => trusted !== undefined)
    .sort((a, b) => a.addedAt.getTime() - b.addedAt.getTime() || (a.name < b.name ? -1 : 1));
}

/**
 * The index of that name; without a name, the only one.
 * @throws NoTrustError, AmbiguousIndexError
 */
export async function findTrust(home: string, name?: string): Promise<TrustedIndex> {
  if (name !== undefined) {
    const trusted = await readTrustFile(join(trustDirectory(home), checkIndexName(name)));
    if (!trusted) throw new NoTrustError(name);
    return trusted;
  }
  const [only, ...others] = await listTrust(home);
  if (!only) throw new NoTrustError();
  if (others.length > 0) throw new AmbiguousIndexError([only, ...others].map((trusted) => trusted.name));
  return only;
}

/** The root that trust began with. @throws InvalidInputError when it is no longer the file that it was */
export async function readTrustedRoot({ directory, fingerprint }: TrustedIndex): Promise<Uint8Array> {
  const path = join(directory, 'root.json');
  const bytes = await readFile(path);
  if (hash('sha256', bytes, 'hex') === fingerprint) return bytes;
  throw new InvalidInputError('trusted root', path, 'is damaged; remove the index and add it again');
}

/** Ends the trust in an index and forgets its metadata: also the explicit out-of-band reset of P13. */
export async function removeTrust(home: string, name: string): Promise<void> {
  const { directory } = await findTrust(home, name);
  await rm(join(directory, 'trust.json'));
  await rm(directory, { recursive: true, force: true });
}

/**
 * Forgets at what times the index was asked, for a person whose clock was wrongly ahead then; what was seen of its metadata
 * is not forgotten. @throws NoTrustError
 */
export async function forgetTrustedTime(home: string, name: string): Promise<void> {
  const { directory } = await findTrust(home, name);
  await forgetTime(new FileMetadataStore(join(directory, 'metadata')));
}

async function readTrustFile(directory: string): Promise<TrustedIndex | undefined> {
  try {
    return readTrust(await readFile(join(directory, 'trust.json'), 'utf8'), directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** A root that its own keys did not sign could never be followed by another (TUF 1.0.34 §5.3.4). */
async function checkSelfSigned(bytes: Uint8Array): Promise<void> {
  const metadata = parseRoot(bytes);
  const holders = metadata.signed.roles.get('root');
  if (!holders) throw new InvalidInputError('root', 'root.json', 'names no keys for itself');
  await verifySignatures(metadata, metadata.signed.keys, holders, 'root');
}

async function fetchRoot(
  fingerprint: string,
  urls: readonly string[],
  environment: NodeJS.ProcessEnv,
  limits: FetchLimits,
): Promise<Uint8Array> {
  const mirrors = await Mirrors.open(urls, environment, limits);
  try {
    return await mirrors.first((mirror) => findRoot(mirror, fingerprint));
  } catch (error) {
    if (error instanceof RootMismatchError) throw new RootMismatchError(fingerprint, error.seen);
    throw error;
  } finally {
    mirrors.close();
  }
}
