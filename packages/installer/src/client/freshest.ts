import { parseTimestamp } from '@holdfast/tuf';
import type { Mirrors } from '../fetch/mirrors.ts';
import { askAll } from './ask-all.ts';

const MAX_TIMESTAMP_BYTES = 16_384;

/**
 * Prefers the mirror whose timestamp claims the highest version. One mirror that goes on serving an old but unexpired
 * timestamp is otherwise believed until that expires (indefinite freeze, P20). The claim is not verified here: a mirror
 * that lies is asked first, found out, and shunned.
 */
export async function preferFreshest(mirrors: Mirrors): Promise<void> {
  if (mirrors.size < 2) return;
  const order = mirrors.order();
  const claims = await askAll(
    order,
    async (mirror, signal) => {
      const bytes = await mirror.read('metadata/timestamp.json', { maxLength: MAX_TIMESTAMP_BYTES, signal });
      return parseTimestamp(bytes).signed.version;
    },
    (mirror, error) => mirrors.shun(mirror, error),
  );
  mirrors.prefer([...order].sort((a, b) => (claims.get(b) ?? 0) - (claims.get(a) ?? 0)));
}
