import { DEFAULT_LIMITS, parseRoot, verifySignatures } from '@holdfast/tuf';
import type { Mirrors } from '../fetch/mirrors.ts';
import { askAll } from './ask-all.ts';

/**
 * Prefers the mirrors that have a root newer than `root`, signed by its holders, and says whether there are any. The walk
 * along the roots ends when one mirror says that there is no further one (TUF 1.0.34 §5.3.3); a thief of online keys whose
 * mirror is asked would say so for ever, and nobody would learn that the keys were replaced.
 */
export async function preferNewerRoot(mirrors: Mirrors, root: Uint8Array): Promise<boolean> {
  if (mirrors.size < 2) return false;
  const { signed } = parseRoot(root);
  const holders = signed.roles.get('root');
  if (!holders) return false;
  const version = signed.version + 1;
  const answers = await askAll(mirrors.order(), async (mirror, signal) => {
    const bytes = await mirror.read(`metadata/${version}.root.json`, { maxLength: DEFAULT_LIMITS.rootBytes, signal });
    const next = parseRoot(bytes);
    await verifySignatures(next, signed.keys, holders, 'root');
    return next.signed.version === version;
  });
  const newer = [...answers].flatMap(([mirror, isNewer]) => (isNewer ? [mirror] : []));
  if (newer.length > 0) mirrors.prefer(newer);
  return newer.length > 0;
}
