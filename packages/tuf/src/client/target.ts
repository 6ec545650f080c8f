import { HashMismatchError } from '../errors.ts';
import type { TargetFile } from '../model.ts';
import { HASH_ALGORITHMS, verifyContent } from './digests.ts';
import type { FetchOptions, MetadataFetcher } from './ports.ts';
import { Source } from './source.ts';
import type { TargetInfo } from './updater.ts';

/**
 * §5.7.3: the content of a target, verified, in memory. What one mirror lacks or serves wrong is taken from the next.
 * @param fetchers of the addresses below which the targets are
 * @throws NotFoundError, NetworkError, LengthMismatchError, HashMismatchError
 */
export function fetchTarget(
  fetchers: MetadataFetcher | readonly MetadataFetcher[],
  { path, urlPath, file }: TargetInfo,
  { signal, onReceived }: Pick<FetchOptions, 'signal' | 'onReceived'> = {},
): Promise<Uint8Array> {
  const source = new Source(fetchers, ({ received }) => onReceived?.(received));
  return source.fetch({ path: urlPath, maxLength: file.length, expected: file.length, signal }, async (bytes) => {
    await verifyTarget(path, bytes, file);
    return bytes;
  });
}

/** §5.7.2: the content must have the announced length and hashes. @throws LengthMismatchError, HashMismatchError */
export async function verifyTarget(path: string, bytes: Uint8Array, file: TargetFile): Promise<void> {
  await verifyContent(path, bytes, file);
}

/**
 * The URL path of a target below the repository's targets directory, escaped segment by segment. With consistent
 * snapshots (§6.2) the last segment begins with a hash of the content.
 */
export function targetUrlPath(path: string, file: TargetFile, consistentSnapshot: boolean): string {
  const segments = path.split('/');
  const name = segments.pop() ?? '';
  if (!consistentSnapshot) return [...segments, name].map(encodeURIComponent).join('/');
  const algorithm = HASH_ALGORITHMS.find((known) => file.hashes.has(known));
  if (algorithm === undefined) throw new HashMismatchError(path);
  return [...segments, `${file.hashes.get(algorithm)}.${name}`].map(encodeURIComponent).join('/');
}
