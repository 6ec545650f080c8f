import { hash } from 'node:crypto';
import { encodeLookup, fileUrlPath, type SentFile, targetPath } from '@holdfast/trust';
import { parseDistributionFilename, renderProjectJson } from '@holdfast/python-index';
import type { PopulationProject } from '../population/population.ts';
import type { Repository } from './repository.ts';
import { coded, served } from './wire.ts';

/** Bytes of bodies on the wire that one installation of a project costs beside its files. */
export interface InstallBytes {
  /** Knows nothing but the first root: timestamp, and a lookup with every role. */
  readonly newUser: number;
  /** Installed 30 other projects the day before, none of whose roles changed. */
  readonly otherProject: number;
  /** Installed this project the day before; it has one file more since. */
  readonly sameProject: number;
  /** The same, without deltas. */
  readonly sameProjectWhole: number;
  /** Installed this project so long ago that every role on the way was signed anew since. */
  readonly longAgo: number;
  /** Of these, the proof, as an answer carries it. */
  readonly proof: number;
  /** The project page that an unverified installation fetches. */
  readonly page: { readonly gzip: number; readonly zstd: number };
  /** The same as PyPI writes it, gzip. */
  readonly pypiPage: number;
}

/** @param held SHA-256 of roles that were fetched for other projects */
export async function installBytes(
  repository: Repository,
  project: PopulationProject,
  held: ReadonlySet<string>,
): Promise<InstallBytes> {
  const path = repository.pathTo(project);
  const proof = repository.proof(project);
  const timestamp = served(await repository.timestamp());
  const answer = (files: readonly SentFile[]): number => timestamp + encodeLookup({ proof, files }).length;
  const last = lastFile(repository, project);
  const leaf = path.at(-1);
  if (!leaf) throw new Error('no roles');
  const renewed = path.filter(({ role }) => role !== 'targets' && role !== leaf.role);
  const olderLeaf = await repository.before(leaf.role, last);
  const olders = await Promise.all(renewed.map(async ({ role, bytes }) => coded(bytes, await repository.before(role))));
  const page = pageOf(repository, project);
  const [targets] = path;
  const whole = (roles: typeof path): SentFile[] =>
    roles.map(({ role, bytes }) => coded(bytes, role === 'targets' ? undefined : targets?.bytes));
  return {
    newUser: answer(whole(path)),
    // Popular projects may be among those that were visited: here none is.
    otherProject: answer(whole(path.filter(({ role, sha256 }) => role === leaf.role || !held.has(sha256)))),
    sameProject: answer([coded(leaf.bytes, olderLeaf)]),
    sameProjectWhole: answer(whole([leaf])),
    longAgo: answer([...olders, coded(leaf.bytes, olderLeaf)]),
    proof: encodeLookup({ proof, files: [] }).length,
    page: { gzip: served(page, 'gzip'), zstd: served(page, 'zstd') },
    pypiPage: served(pypiPageOf(repository, project), 'gzip'),
  };
}

function lastFile(repository: Repository, project: PopulationProject): string {
  let last = '';
  for (const { filename } of repository.population.filesOf(project)) last = filename;
  return targetPath(project.name, last);
}

/** The page as the index renders it. */
function pageOf({ population }: Repository, project: PopulationProject): string {
  const files = [...population.filesOf(project)].map((file) => ({
    filename: file.filename,
    url: `../../${fileUrlPath(targetPath(project.name, file.filename), file.sha256)}`,
    sha256: file.sha256,
    size: file.size,
    uploadTime: new Date(file.upload_time),
    ...(file.requires_python !== undefined && { requiresPython: file.requires_python }),
    ...(file.yanked !== undefined && { yanked: file.yanked }),
    ...(file.core_metadata && { coreMetadata: { sha256: file.core_metadata.sha256 } }),
  }));
  return renderProjectJson({ name: project.name, files });
}

/** PyPI's page for the same files, as of 2026: its addresses hold a BLAKE2b-256 of each file too, and core metadata is named twice. */
function pypiPageOf({ population }: Repository, project: PopulationProject): string {
  const files = [...population.filesOf(project)].map((file) => {
    const core = file.core_metadata ? { sha256: file.core_metadata.sha256 } : false;
    const blake2b = hash('sha256', `blake2b of ${file.sha256}`);
    const place = `${blake2b.slice(0, 2)}/${blake2b.slice(2, 4)}/${blake2b.slice(4)}`;
    return {
      'core-metadata': core,
      'data-dist-info-metadata': core,
      filename: file.filename,
      hashes: { sha256: file.sha256 },
      provenance: null,
      'requires-python': file.requires_python ?? null,
      size: file.size,
      'upload-time': file.upload_time,
      url: `https://files.registry.example/packages/${place}/${file.filename}`,
      yanked: file.yanked ?? false,
    };
  });
  const versions = [...new Set(files.map(({ filename }) => parseDistributionFilename(filename).version))];
  const meta = { '_last-serial': 20_123_456, 'api-version': '1.4' };
  return JSON.stringify({ files, meta, name: project.name, 'project-status': { status: 'active' }, versions });
}
