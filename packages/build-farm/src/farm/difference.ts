import { readFile } from 'node:fs/promises';
import { type IndexClient, InstallerError } from '@holdfast/installer';
import { PythonIndexError } from '@holdfast/python-index';
import { type Distribution, targetPath } from '@holdfast/trust';
import { compareWheels } from '../compare/compare-wheels.ts';
import { describeComparison } from '../compare/describe.ts';
import type { BuildRecord } from './build-record.ts';
import type { FarmWork } from './farm-work.ts';

/** Larger ones are not fetched for a comparison. */
const MOST_BYTES = 512 * 1024 ** 2;

/** What a maintainer gets to see: a table of members, or both hashes where the index does not hand the other wheel out. */
export async function reportDifference(
  { state, bench }: Pick<FarmWork, 'state' | 'bench'>,
  { sdist, wheel }: BuildRecord,
  theirs: Distribution,
): Promise<string> {
  if (!wheel) return '';
  const path = state.wheelPath(sdist, wheel.filename);
  const bytes = await fetchOther(bench.client, theirs);
  if (!bytes)
    return [
      wheel.filename,
      `  this farm       ${wheel.size} bytes, SHA-256 ${wheel.sha256}`,
      `  the other farm  ${theirs.size} bytes, SHA-256 ${theirs.sha256}`,
      `  This farm keeps its wheel in ${path}. With the other one: holdfast build-farm compare FILE FILE`,
    ].join('\n');
  try {
    return describeComparison(await compareWheels(await readFile(path), bytes), ['this farm', 'the other farm']);
  } catch (error) {
    if (!(error instanceof PythonIndexError)) throw error;
    return `The other farm's file is no sound wheel: ${error.message}`;
  }
}

/**
 * The bytes of a wheel that waits for signatures: an index hands out what it has to whoever knows the hash. That the hash is the
 * right one is all that is known of them.
 */
async function fetchOther(client: IndexClient, theirs: Distribution): Promise<Uint8Array | undefined> {
  if (theirs.size > MOST_BYTES) return undefined;
  const nobody = { index: client.name, chain: [], keyids: [], version: 0, expires: new Date(0) };
  const path = targetPath(theirs.project, theirs.filename);
  try {
    const { handle } = await client.openFile({ ...theirs, path, voucher: nobody });
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof InstallerError) return undefined;
    throw error;
  }
}
