import { hash } from 'node:crypto';
import {
  DEFAULT_LIMITS as FETCH_LIMITS,
  type FetchLimits,
  Mirrors,
  readTrustedRoot,
  type TrustedIndex,
} from '@holdfast/installer';
import { identityOf } from '@holdfast/trust';
import {
  DEFAULT_LIMITS,
  type Metadata,
  parseRoot,
  type Root,
  UnsignedMetadataError,
  verifySignatures,
} from '@holdfast/tuf';
import { UnexpectedAnswerError } from '../errors.ts';
import { knownFirstRoot, rememberFirstRoot } from '../keys/key-ring.ts';

/** More root versions than an index makes in its life. */
const MAX_ROOTS = 1024;

/**
 * What names an index for ever: SHA-256 of the first version of its root metadata. When trust began with a later one that does not say,
 * the roots before it are fetched, once, and each must be signed by the holders of the one before (TUF 1.0.34 §5.3.4): so an index cannot pass for
 * another one, with the same keys for its developers.
 * @throws UnsignedMetadataError, UnexpectedAnswerError, UnreachableError
 */
export async function firstRootFingerprint(
  home: string,
  trusted: TrustedIndex,
  environment: NodeJS.ProcessEnv = process.env,
  limits: FetchLimits = FETCH_LIMITS,
): Promise<string> {
  const root = parseRoot(await readTrustedRoot(trusted));
  const told = identityOf(root, trusted.fingerprint);
  if (told !== undefined) return told;
  const known = await knownFirstRoot(home, trusted.fingerprint);
  if (known !== undefined) return known;
  const mirrors = await Mirrors.open(trusted.urls, environment, limits);
  try {
    const first = await walkTo(root, trusted, (version) =>
      mirrors.first((mirror) => mirror.read(`metadata/${version}.root.json`, { maxLength: DEFAULT_LIMITS.rootBytes })),
    );
    await rememberFirstRoot(home, trusted.fingerprint, first);
    return first;
  } finally {
    mirrors.close();
  }
}

async function walkTo(
  last: Metadata<Root>,
  { urls }: TrustedIndex,
  fetchRoot: (version: number) => Promise<Uint8Array>,
): Promise<string> {
  const end = last.signed.version;
  if (end > MAX_ROOTS) throw new UnexpectedAnswerError(urls[0] ?? '', `its root has version ${end}`);
  const firstBytes = await fetchRoot(1);
  let before = parseRoot(firstBytes);
  for (let version = 2; version <= end; version++) {
    const next = version === end ? last : parseRoot(await fetchRoot(version));
    const holders = before.signed.roles.get('root');
    if (before.signed.version !== version - 1 || holders === undefined)
      throw new UnsignedMetadataError('root', 1, 0, new Map());
    await verifySignatures(next, before.signed.keys, holders, 'root');
    before = next;
  }
  return hash('sha256', firstBytes, 'hex');
}
