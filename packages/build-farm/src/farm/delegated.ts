import { covers } from '@holdfast/developer';
import type { ProjectSigning, SigningRole, VerifiedDistribution } from '@holdfast/installer';
import {
  type DistributionFilename,
  parseDistributionFilename,
  parseFilenameOf,
  PythonIndexError,
} from '@holdfast/python-index';
import { parseProjectRole } from '@holdfast/trust';

/** What verified metadata gives a farm to do. */

/** Roles that a project delegated to this key and in which wheels may stand. */
export function farmRoles(signing: ProjectSigning, keyid: string): readonly SigningRole[] {
  return signing.roles.filter(
    (role) => !role.revoked && role.keys.has(keyid) && isDelegated(role) && delegatesWheels(signing, role),
  );
}

const isDelegated = ({ role }: SigningRole): boolean => (parseProjectRole(role)?.labels.length ?? 0) > 0;

function delegatesWheels({ roles }: ProjectSigning, { role }: SigningRole): boolean {
  const delegations = roles.flatMap(({ signed }) => signed?.delegations?.roles ?? []);
  const paths = delegations.find(({ name }) => name === role)?.paths ?? [];
  return paths.some((path) => path.endsWith('.whl') || path.endsWith('*'));
}

/** The innermost of these roles that may list a file of this name. */
export function roleOfFile(
  signing: ProjectSigning,
  roles: readonly SigningRole[],
  filename: string,
): SigningRole | undefined {
  return roles.filter((role) => covers(signing, role, filename)).toSorted((a, b) => b.role.length - a.role.length)[0];
}

/** Sdists that installers find, are not yanked, and came no earlier than this; newest first. */
export function sdistsSince({ files }: ProjectSigning, since: Date): readonly VerifiedDistribution[] {
  return files
    .filter((file) => file.yanked === undefined && file.uploadTime >= since && nameOf(file)?.kind === 'sdist')
    .toSorted((a, b) => b.uploadTime.getTime() - a.uploadTime.getTime());
}

/** A wheel of the same version that one of these roles lists. */
export function wheelOf(
  signing: ProjectSigning,
  roles: readonly SigningRole[],
  sdist: VerifiedDistribution,
): VerifiedDistribution | undefined {
  const version = nameOf(sdist)?.normalizedVersion;
  const names = new Set(roles.map(({ role }) => role));
  return signing.files.find((file) => {
    const name = nameOf(file);
    return name?.kind === 'wheel' && name.normalizedVersion === version && names.has(file.voucher.chain.at(-1) ?? '');
  });
}

/** An sdist with a name of before PEP 625 is not built: what it is called depends on who reads it. */
function nameOf({ project, filename }: VerifiedDistribution): DistributionFilename | undefined {
  try {
    return filename.endsWith('.whl') ? parseFilenameOf(project, filename) : parseDistributionFilename(filename);
  } catch (error) {
    if (error instanceof PythonIndexError) return undefined;
    throw error;
  }
}
