import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { type DistributionFilename, InvalidFilenameError, parseDistributionFilename } from '@holdfast/python-index';
import type { IndexClient } from './client/index-client.ts';
import type { VerifiedDistribution } from './client/verified-project.ts';
import { hashHandle } from './store/hash-handle.ts';

/** What trusted indexes say about a file of this machine. */
export interface FileVerdict {
  readonly path: string;
  readonly filename: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /**
   * `verified`: an index vouches for exactly these bytes. `different`: indexes vouch for other bytes under this name.
   * `unlisted`: no index lists the name. `not-a-distribution`: the name is neither a wheel's nor an sdist's.
   */
  readonly verdict: 'verified' | 'different' | 'unlisted' | 'not-a-distribution';
  /** The entries with these bytes if `verified`, with other bytes if `different`. One for each index. */
  readonly entries: readonly VerifiedDistribution[];
}

/**
 * Compares wheels and sdists of this machine with the verified metadata of trusted indexes: did I get what the index
 * publishes (D6)?
 * @throws what reading the file or verifying the metadata throws
 */
export async function verifyFiles(clients: readonly IndexClient[], paths: readonly string[]): Promise<FileVerdict[]> {
  const verdicts: FileVerdict[] = [];
  for (const path of paths) verdicts.push(await verifyFile(clients, path));
  return verdicts;
}

async function verifyFile(clients: readonly IndexClient[], path: string): Promise<FileVerdict> {
  const filename = basename(path);
  const { sha256, size } = await measure(path);
  const known = { path, filename, sha256, size };
  const parsed = parseName(filename);
  if (!parsed) return { ...known, verdict: 'not-a-distribution', entries: [] };
  const projects = await Promise.all(clients.map((client) => client.project(parsed.project)));
  const listed = projects.flatMap((project) => project?.files.filter((file) => file.filename === filename) ?? []);
  const same = listed.filter((file) => file.sha256 === sha256 && file.size === size);
  if (same.length > 0) return { ...known, verdict: 'verified', entries: same };
  return { ...known, verdict: listed.length > 0 ? 'different' : 'unlisted', entries: listed };
}

async function measure(path: string): Promise<{ sha256: string; size: number }> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return { sha256: await hashHandle(handle, size), size };
  } finally {
    await handle.close();
  }
}

function parseName(filename: string): DistributionFilename | undefined {
  try {
    return parseDistributionFilename(filename);
  } catch (error) {
    if (error instanceof InvalidFilenameError) return undefined;
    throw error;
  }
}
