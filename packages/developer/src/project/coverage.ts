import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import { parseProjectRole, targetPath } from '@holdfast/trust';
import { type DelegatedRole, PathPattern } from '@holdfast/tuf';

/** Which of a project's roles may list which files, and which of them a key may sign. */

/** What the parent of a role delegates to it; `undefined` for the project's own role, which may list everything of the project. */
export function delegationOf(signing: ProjectSigning, role: SigningRole): DelegatedRole | undefined {
  const parent = parentOf(signing, role);
  return parent?.signed?.delegations?.roles.find(({ name }) => name === role.role);
}

/** Whether a file of this name may be listed by the role: it matches a pattern of each delegation on the way. */
export function covers(signing: ProjectSigning, role: SigningRole, filename: string): boolean {
  const parent = parentOf(signing, role);
  if (parent === undefined) return true;
  const path = targetPath(signing.name, filename);
  const patterns = delegationOf(signing, role)?.paths ?? [];
  return patterns.some((pattern) => new PathPattern(pattern).matches(path)) && covers(signing, parent, filename);
}

/** The roles that a holder of these keys may sign, the project's own first. */
export function rolesOf(signing: ProjectSigning, keyids: ReadonlySet<string>): readonly SigningRole[] {
  return signing.roles.filter((role) => !role.revoked && [...role.keys.keys()].some((keyid) => keyids.has(keyid)));
}

/**
 * Where a holder of these keys lists a file: in the innermost role that covers it, so that the owner of a project who also holds a
 * delegated key leaves its files where everybody expects them. `undefined`: in none.
 */
export function roleFor(
  signing: ProjectSigning,
  filename: string,
  keyids: ReadonlySet<string>,
): SigningRole | undefined {
  return rolesOf(signing, keyids)
    .filter((role) => covers(signing, role, filename))
    .reduce<SigningRole | undefined>((best, role) => (depth(role) > depth(best) ? role : (best ?? role)), undefined);
}

/** The role that lists a file now. */
export function listedBy(signing: ProjectSigning, filename: string): SigningRole | undefined {
  const path = targetPath(signing.name, filename);
  return signing.roles.find(({ signed }) => signed?.targets.has(path));
}

/** What a person calls a role: `windows`, or `the project` for its own. */
export function labelOf(role: string): string {
  const { labels = [] } = parseProjectRole(role) ?? {};
  return labels.length === 0 ? 'the project' : labels.join('.');
}

/** Patterns as a person writes them: without the project's directory. */
export function shownPatterns(delegation: DelegatedRole | undefined): readonly string[] {
  return (delegation?.paths ?? ['*']).map((path) => path.split('/').slice(2).join('/') || path);
}

function parentOf({ roles }: ProjectSigning, { chain }: SigningRole): SigningRole | undefined {
  return roles.find(({ role }) => role === chain.at(-2));
}

const depth = (role: SigningRole | undefined): number =>
  role === undefined ? -1 : (parseProjectRole(role.role)?.labels.length ?? 0);
