import { hash } from 'node:crypto';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  consistentTargetPath,
  type Distribution,
  encodeTarget,
  type ProjectDelegation,
  projectDirectory,
  projectRole,
  type TargetPath,
  targetPath,
} from '@holdfast/trust';
import { type Delegations, type Signer, signMetadata, type TargetFile, targetsJson } from '@holdfast/tuf';
import { type KeySet, publicKeys, roleKeysOf } from './keys.ts';
import type { Listing } from './publication.ts';

/**
 * One project for each way in which an index can answer for one. Those that end in `lately` came there with the last offline signing;
 * `delegated` is claimed, and its wheels for Windows are another's; nobody ever uploaded to `new`.
 */
export const STANDINGS = [
  'claimed',
  'delegated',
  'claimed-lately',
  'rarely-updated',
  'rarely-updated-lately',
  'recently-claimed',
  'unclaimed',
  'new',
] as const;
export type Standing = (typeof STANDINGS)[number];

/** A distribution file with its content. */
export interface OfferedFile {
  readonly distribution: Distribution;
  readonly bytes: Uint8Array;
}

/** The project of that standing. */
export const projectOfStanding = (standing: Standing): ProjectName => normalizeName(standing);

/** A wheel whose bytes depend on its author. */
export function wheelOf(standing: Standing, version: string, author: string, uploadTime: Date): OfferedFile {
  const project = projectOfStanding(standing);
  const platform = standing === 'delegated' ? 'win_amd64' : 'any';
  const filename = `${project.replaceAll('-', '_')}-${version}-py3-none-${platform}.whl`;
  const bytes = Buffer.from(`${filename} by ${author}\n`);
  return { bytes, distribution: { project, filename, sha256: hash('sha256', bytes), size: bytes.length, uploadTime } };
}

/** Where files can be fetched below the index's address. */
export function blobsOf(releases: readonly OfferedFile[]): ReadonlyMap<string, Uint8Array> {
  return new Map(
    releases.map(({ distribution: { project, filename, sha256 }, bytes }) => [
      `targets/${consistentTargetPath(targetPath(project, filename), sha256)}`,
      bytes,
    ]),
  );
}

export function targetsOf(releases: readonly OfferedFile[]): ReadonlyMap<TargetPath, TargetFile> {
  return new Map(
    releases.map(({ distribution }) => {
      const { path, file } = encodeTarget(distribution);
      return [path, file];
    }),
  );
}

/** What a leaf says of projects that are all `holders`'. */
export function delegationsTo(
  standings: readonly Standing[],
  { signers, threshold }: KeySet,
  generation = 1,
): ReadonlyMap<ProjectName, ProjectDelegation> {
  const keys = signers.map(({ key }) => key);
  return new Map(
    standings.map((standing) => {
      const project = projectOfStanding(standing);
      return [project, { project, role: projectRole(project, generation), keys, threshold }];
    }),
  );
}

export interface ProjectSigning {
  readonly version: number;
  readonly expires: Date;
  readonly signers: readonly Signer[];
}

export interface ProjectOptions {
  /** Who answers for its wheels for Windows. */
  readonly delegate?: KeySet;
  readonly generation?: number;
}

/** The role of a project's developers. */
export async function signProject(
  standing: Standing,
  releases: readonly OfferedFile[],
  { version, expires, signers }: ProjectSigning,
  { delegate, generation }: ProjectOptions = {},
): Promise<Listing> {
  const project = projectOfStanding(standing);
  const delegations = delegate && windowsDelegation(project, delegate);
  const json = targetsJson({ version, expires, targets: targetsOf(releases), delegations });
  return new Map([[projectRole(project, generation), { version, bytes: await signMetadata(json, signers) }]]);
}

/** The role of whoever makes a project's wheels for Windows. */
export async function signDelegate(
  releases: readonly OfferedFile[],
  { version, expires, signers }: ProjectSigning,
): Promise<Listing> {
  const json = targetsJson({ version, expires, targets: targetsOf(releases) });
  return new Map([
    [windowsRole(projectOfStanding('delegated')), { version, bytes: await signMetadata(json, signers) }],
  ]);
}

const windowsRole = (project: ProjectName): string => `${projectRole(project)}.windows`;

function windowsDelegation(project: ProjectName, delegate: KeySet): Delegations {
  const paths = [`${projectDirectory(project)}*-win_amd64.whl`];
  const role = { ...roleKeysOf(delegate), name: windowsRole(project), terminating: true, paths };
  return { keys: publicKeys(delegate), roles: [role] };
}
