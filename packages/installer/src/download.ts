import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { writeFileAtomic } from '@holdfast/tuf/node';
import {
  compareVersions,
  normalizeName,
  parseDistributionFilename,
  parseFilenameOf,
  parseVersion,
} from '@holdfast/python-index';
import type { IndexClient } from './client/index-client.ts';
import type { VerifiedDistribution } from './client/verified-project.ts';
import { InvalidInputError, NotVouchedError } from './errors.ts';

/** A verified file that was written to a directory. */
export interface Downloaded {
  readonly path: string;
  readonly file: VerifiedDistribution;
}

/**
 * Writes verified distribution files to a directory.
 * @param wanted each `project==version` for all files of a release, or the exact filename of a wheel or sdist
 * @throws NotVouchedError when verified metadata lists nothing of that name, InvalidInputError for other requirements
 */
export async function download(
  client: IndexClient,
  wanted: readonly string[],
  directory: string,
): Promise<readonly Downloaded[]> {
  const files = (await Promise.all(wanted.map((each) => select(client, each)))).flat();
  await mkdir(directory, { recursive: true });
  const written = new Map<string, Downloaded>();
  for (const file of files) {
    if (written.has(file.filename)) continue;
    // The name comes from a parsed distribution filename, which has no separators.
    const path = join(directory, file.filename);
    const { handle } = await client.openFile(file);
    try {
      await writeFileAtomic(path, handle.createReadStream({ autoClose: false, highWaterMark: 1 << 18 }));
    } finally {
      await handle.close();
    }
    written.set(file.filename, { path, file });
  }
  return [...written.values()];
}

async function select(client: IndexClient, wanted: string): Promise<readonly VerifiedDistribution[]> {
  const [, name, version] = /^([A-Za-z0-9._-]+?)\s*==\s*([^\s=]+)$/.exec(wanted) ?? [];
  const isFilename = name === undefined && /\.(whl|tar\.gz|zip)$/.test(wanted);
  if (!isFilename && (name === undefined || version === undefined))
    throw new InvalidInputError('requirement', wanted, 'must be PROJECT==VERSION or the exact name of a file');
  const project = isFilename ? parseDistributionFilename(wanted).project : normalizeName(name ?? '');
  const listed = (await client.project(project))?.files ?? [];
  const release = version === undefined ? undefined : parseVersion(version);
  const chosen = listed.filter(({ filename }) => {
    if (!release) return filename === wanted;
    return compareVersions(parseVersion(parseFilenameOf(project, filename).version), release) === 0;
  });
  if (chosen.length === 0) throw new NotVouchedError(client.name, wanted, 'its verified metadata lists no such file');
  return chosen;
}
