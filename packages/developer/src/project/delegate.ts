import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import { type Distribution, isLabel, parseProjectRole, type ProjectTransaction } from '@holdfast/trust';
import type { PublicKey, Signer } from '@holdfast/tuf';
import { NotYourRoleError, ProjectStateError } from '../errors.ts';
import { checkThreshold } from './claim.ts';
import { labelOf, rolesOf } from './coverage.ts';
import { editorOf, signRole } from './next-role.ts';
import { type Settled, settle } from './settle.ts';
import { signersOf, type Workbench } from './workbench.ts';

export interface Delegation {
  /** `windows`, or `windows.arm` for one inside of it. */
  readonly name: string;
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
  /** Which filenames: `*-win_amd64.whl`. */
  readonly patterns: readonly string[];
  /** Of the role that delegates. */
  readonly expires?: Date | undefined;
}

/** Lets other keys sign some of a project's files. @throws ProjectStateError, NotYourRoleError */
export async function delegate(bench: Workbench, project: ProjectName, delegation: Delegation): Promise<Settled> {
  const { name, keys, threshold, patterns, expires } = delegation;
  checkThreshold(threshold, keys.length);
  return settle(bench, project, async (signing) => {
    const signer = await bench.signer();
    const { parent, label } = placeOf(signing, name, signer);
    const editor = editorOf(parent);
    editor.delegate({ label, filenames: patterns, keys, threshold });
    return one(parent.role, await signRole(editor, await signersOf(bench, parent, signer), bench, expires));
  });
}

export interface Undelegation {
  readonly name: string;
  /** Whether what the role lists stays published, listed by the role above it from now on. */
  readonly keepFiles: boolean;
  readonly expires?: Date | undefined;
}

/** Takes a delegation back, at once. @throws ProjectStateError, NotYourRoleError */
export function undelegate(bench: Workbench, project: ProjectName, how: Undelegation): Promise<Settled> {
  return settle(bench, project, async (signing) => {
    const signer = await bench.signer();
    const { parent, label } = placeOf(signing, how.name, signer);
    const role = `${parent.role}.${label}`;
    const editor = editorOf(parent);
    if (!editor.undelegate(label)) throw unknownDelegation(signing, how.name);
    if (how.keepFiles) for (const file of filesBelow(signing, role)) editor.setFile(file);
    return one(parent.role, await signRole(editor, await signersOf(bench, parent, signer), bench, how.expires));
  });
}

/** What a delegated role and those below it list. */
export function filesBelow({ roles, files }: ProjectSigning, role: string): readonly Distribution[] {
  const names = new Set(roles.map((each) => each.role).filter((name) => name === role || name.startsWith(`${role}.`)));
  return files.filter(({ voucher }) => names.has(voucher.chain.at(-1) ?? ''));
}

/** The role that a name stands for, which may be further down: `windows.arm`. */
export function roleNamed(signing: ProjectSigning, name: string): SigningRole | undefined {
  const own = signing.roles[0]?.role;
  return signing.roles.find(({ role }) => role === `${own}.${name}`);
}

function placeOf(signing: ProjectSigning, name: string, { key }: Signer): { parent: SigningRole; label: string } {
  const labels = name.split('.');
  const label = labels.pop() ?? '';
  const [own] = signing.roles;
  if (!own || own.revoked)
    throw new ProjectStateError(
      `${signing.name} is not claimed, so there is nothing to delegate`,
      `Claim it first: holdfast claim ${signing.name}`,
    );
  if (!isLabel(label))
    throw new ProjectStateError(
      `"${label}" cannot be the name of a delegation`,
      'Use small letters, digits and hyphens, beginning with a letter; at most 32.',
    );
  const parent = labels.length === 0 ? own : roleNamed(signing, labels.join('.'));
  if (!parent) throw unknownDelegation(signing, labels.join('.'));
  if (!rolesOf(signing, new Set([key.keyid])).includes(parent))
    throw new NotYourRoleError(
      `your key ${key.keyid.slice(0, 12)} may not sign for ${labelOf(parent.role)}, which delegates`,
      'Sign with a key that may (--key), or name a delegation inside of your own, such as windows.arm.',
    );
  return { parent, label };
}

function unknownDelegation({ name, roles }: ProjectSigning, wanted: string): ProjectStateError {
  const known = roles
    .filter(({ role }) => (parseProjectRole(role)?.labels.length ?? 0) > 0)
    .map(({ role }) => labelOf(role));
  return new ProjectStateError(
    `${name} delegates nothing under the name ${wanted}${known.length > 0 ? `; what there is: ${known.join(', ')}` : ''}`,
    `See who may sign what: holdfast status ${name}`,
  );
}

const one = (role: string, bytes: Uint8Array): ProjectTransaction => ({ roles: new Map([[role, bytes]]) });
