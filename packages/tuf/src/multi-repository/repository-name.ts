import { FormatError } from '../errors.ts';

/** What Windows takes for a device, whatever follows the first dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * A repository's name is also the directory of its metadata (TAP 4), so it must be one plain path segment on every
 * file system: letters, digits, `-`, `_` and inner dots, at most 64. @throws FormatError
 */
export function checkRepositoryName(name: string, where: string): void {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$/.test(name) || DEVICE.test(name))
    throw new FormatError(where, 'is not a name that can stand for a directory');
}
