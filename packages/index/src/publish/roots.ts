import { parseRoot, verifySignatures } from '@holdfast/tuf';
import { DamagedIndexError } from '../errors.ts';
import type { Records } from '../records/records.ts';

export interface RootVersion {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface RecordedRoot extends RootVersion {
  /** The publication that brought it. */
  readonly publication: number;
}

/**
 * Every version of the root, oldest first: clients that are far behind walk them one by one, and nobody can make a lost
 * one again. So each is verified before it is trusted or put anywhere.
 * @throws DamagedIndexError when one is missing or is not what its holders signed
 */
export async function loadRoots(records: Records): Promise<readonly RecordedRoot[]> {
  const rows = await records.read.selectFrom('roots').selectAll().orderBy('version').execute();
  for (const [at, { version, bytes }] of rows.entries()) {
    if (version !== at + 1) throw new DamagedIndexError('records', `root version ${at + 1} is missing`);
    try {
      const root = parseRoot(bytes);
      const holders = root.signed.roles.get('root') ?? { keyids: [], threshold: 1 };
      await verifySignatures(root, root.signed.keys, holders, 'root');
    } catch (cause) {
      throw new DamagedIndexError('records', `root version ${version} is not what was signed`, { cause });
    }
  }
  return rows;
}
