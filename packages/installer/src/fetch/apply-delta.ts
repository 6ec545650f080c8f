import { constants, zstdDecompressSync } from 'node:zlib';
import type { ApplyDelta } from '@holdfast/trust';

/** docs/formats/lookup.md: no frame asks for a window above 64 MiB, the longest that a role can be. */
const WINDOW_LOG = 26;

/** Node's own zstd, for `verifyLookup`. */
export const applyDelta: ApplyDelta = (delta, dictionary, maxLength) =>
  zstdDecompressSync(delta, {
    dictionary,
    maxOutputLength: Math.max(maxLength, 1),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG },
  });
