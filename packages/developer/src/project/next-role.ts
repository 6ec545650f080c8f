import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import {
  defaultProjectExpiry,
  nextGeneration,
  parseProjectRole,
  ProjectRoleEditor,
  projectRole,
} from '@holdfast/trust';
import { FormatError, type Signer, signMetadata } from '@holdfast/tuf';
import { UnexpectedAnswerError } from '../errors.ts';
import type { ProjectStatus } from './project-status.ts';
import type { Workbench } from './workbench.ts';

/** Edits the next version of a role. @param last for a role that nobody has signed: the last version of that name */
export function editorOf(role: SigningRole, last = 0): ProjectRoleEditor {
  return new ProjectRoleEditor(role.role, role.signed?.bytes, last);
}

/** What a project's own role will be called when it is claimed, and the version that it had before, if nobody leads to it now. */
export function roleToClaim(signing: ProjectSigning, status: ProjectStatus): { role: string; last: number } {
  const [own] = signing.roles;
  const revoked = own && parseProjectRole(own.role);
  const role = revoked ? nextGeneration(revoked) : (status.role ?? projectRole(signing.name, status.generation));
  const parsed = parseProjectRole(role);
  if (parsed?.project !== signing.name || parsed.labels.length > 0)
    throw new UnexpectedAnswerError(`the status of ${signing.name}`, `${role} is not its role`);
  return { role, last: lastVersion(role, status) };
}

/** Nobody is harmed by a wrong one: the index refuses it. */
export function lastVersion(role: string, { roles, retired }: ProjectStatus): number {
  const bytes = roles.get(role);
  if (bytes === undefined) return retired.get(role) ?? 0;
  try {
    return new ProjectRoleEditor(role, bytes).version - 1;
  } catch (error) {
    if (error instanceof FormatError) return retired.get(role) ?? 0;
    throw error;
  }
}

/** Signs the next version, for this index and no other. Without a date it is valid for two years. */
export async function signRole(
  editor: ProjectRoleEditor,
  signers: readonly Signer[],
  { now, index }: Pick<Workbench, 'now' | 'index'>,
  expires?: Date,
): Promise<Uint8Array> {
  const until = new Date(Math.floor((expires ?? defaultProjectExpiry(now())).getTime() / 1000) * 1000);
  return signMetadata(editor.build(until, index), signers);
}
