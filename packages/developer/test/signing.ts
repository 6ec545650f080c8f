import type { ProjectSigning, SigningRole, VerifiedDistribution } from '@holdfast/installer';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { type Distribution, encodeTarget, projectDirectory, projectRole, targetPath } from '@holdfast/trust';
import { type Delegations, parseTargets, type PublicKey, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';

export const flask: ProjectName = normalizeName('flask');
export const own = projectRole(flask);
export const NOW = new Date('2026-11-21T12:00:00Z');
export const later = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);

/** A file that is nowhere but in metadata. */
export function fileNamed(filename: string, sha256 = 'a'.repeat(64)): Distribution {
  return { project: flask, filename, sha256, size: 1234, uploadTime: NOW };
}

export interface RoleInput {
  readonly role: string;
  readonly signers: readonly Signer[];
  readonly threshold?: number;
  readonly version?: number;
  readonly expires?: Date;
  readonly files?: readonly Distribution[];
  readonly delegations?: Delegations;
  /** Nobody has signed it yet. */
  readonly unsigned?: boolean;
  readonly revoked?: boolean;
  readonly former?: readonly string[];
}

/** A delegation of filenames to one key each. */
export function toKeys(
  ...roles: readonly (readonly [role: string, key: PublicKey, ...patterns: string[]])[]
): Delegations {
  return {
    keys: new Map(roles.map(([, key]) => [key.keyid, key])),
    roles: roles.map(([name, key, ...patterns]) => ({
      name,
      keyids: [key.keyid],
      threshold: 1,
      terminating: false,
      paths: patterns.map((pattern) => projectDirectory(flask) + pattern),
    })),
  };
}

/** What verified metadata would say of a project with these roles, the outer ones first. */
export async function signingOf(...inputs: readonly RoleInput[]): Promise<ProjectSigning> {
  const roles = await Promise.all(inputs.map(roleOf));
  const files = inputs.flatMap(({ files: listed = [] }, at) => listed.map((file) => verified(file, roles[at])));
  return { index: 'main', name: flask, standing: 'claimed', model: 'maximum', roles, files, timestampVersion: 7 };
}

function verified(file: Distribution, role: SigningRole | undefined): VerifiedDistribution {
  const voucher = { index: 'main', chain: role?.chain ?? [], keyids: [], version: 1, expires: later(90) };
  return { ...file, path: targetPath(flask, file.filename), voucher };
}

async function roleOf(input: RoleInput): Promise<SigningRole> {
  const { role, signers, files = [], expires = later(400), version = 1, delegations } = input;
  const targets = new Map(files.map(encodeTarget).map(({ path, file }) => [path, file]));
  const bytes = await signMetadata(targetsJson({ version, expires, targets, delegations }), signers);
  const { signed } = parseTargets(bytes);
  const labels = role.slice(own.length).split('.').slice(1);
  const above = labels.map((_, at) => [own, ...labels.slice(0, at)].join('.'));
  return {
    role,
    chain: ['targets', 'claimed', ...above, role],
    keys: new Map(signers.map(({ key }) => [key.keyid, key])),
    threshold: input.threshold ?? 1,
    rotations: 0,
    former: input.former ?? [],
    signed:
      input.unsigned || input.revoked
        ? undefined
        : {
            version,
            expires,
            targets: signed.targets,
            delegations,
            signedBy: signers.map(({ key }) => key.keyid),
            bytes,
          },
    expired: expires <= NOW,
    revoked: input.revoked === true,
  };
}
