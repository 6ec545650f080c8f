import type { ProjectSigning, VerifiedDistribution } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import { ProjectRoleEditor, type ProjectTransaction } from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';
import { ProjectStateError } from '../errors.ts';
import { roleToClaim, signRole } from './next-role.ts';
import type { ProjectStatus } from './project-status.ts';
import { type Settled, settle } from './settle.ts';
import { projectApi, type Workbench } from './workbench.ts';

/** What somebody is about to answer for. */
export interface ClaimView {
  readonly project: ProjectName;
  /** Its name from now on, such as `project.django`. */
  readonly role: string;
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
  /** What verified metadata lists now, oldest first. */
  readonly files: readonly VerifiedDistribution[];
  /** `revoked`: its holders revoked the role before. */
  readonly before: 'unclaimed' | 'rarely-updated' | 'revoked';
  /** When operators sign the next time, for a claim that counts from then on only. */
  readonly nextSigning: Date | undefined;
}

export interface ClaimOptions {
  /** Keys of others that may sign, too. */
  readonly others: readonly PublicKey[];
  readonly threshold: number;
  readonly expires?: Date | undefined;
  /** Files that the project had before it was revoked, which verified metadata does not show any more. */
  readonly confirm: (view: ClaimView) => Promise<boolean>;
}

/** `declined`: the person said no. */
export type ClaimOutcome = Settled | { readonly state: 'declined' };

/**
 * Makes a project the developers' own: from now on nothing of it is published without their signatures. Signs exactly the files that
 * verified metadata lists and that the person was shown. A claim that waits for an offline signing and is just the same is not made again.
 * @throws ProjectStateError, RefusedError
 */
export async function claimProject(
  bench: Workbench,
  project: ProjectName,
  options: ClaimOptions,
): Promise<ClaimOutcome> {
  const [signing, status] = await Promise.all([bench.client.signing(project), projectApi(bench, project).status()]);
  const before = standingBefore(signing);
  const { key } = await bench.signer();
  const keys = [...new Map([key, ...options.others].map((each) => [each.keyid, each])).values()];
  checkThreshold(options.threshold, keys.length);
  const shown = viewOf(signing, status, { keys, threshold: options.threshold, before });
  if (options.expires === undefined && isRecorded(signing, status, { keys, threshold: options.threshold }))
    return { state: 'recorded', timestampVersion: signing.timestampVersion, nextSigning: status.nextSigning };
  if (!(await options.confirm(shown))) return { state: 'declined' };
  return settle(bench, project, async (now) => {
    if (contentOf(now.files) !== contentOf(shown.files) || standingBefore(now) !== before)
      throw new ProjectStateError(
        `${project} changed while you looked at it, so nothing was signed`,
        `Look again: holdfast claim ${project}`,
      );
    return claimOf(bench, now, status, options, keys);
  });
}

/** @throws ProjectStateError when it cannot be claimed */
function standingBefore({ name, standing, model, roles: [own] }: ProjectSigning): ClaimView['before'] {
  if (own?.revoked) return 'revoked';
  if (own)
    throw new ProjectStateError(
      `${name} is claimed already, by ${[...own.keys.keys()].map((keyid) => keyid.slice(0, 12)).join(', ')}`,
      `A holder of one of these keys adds yours: holdfast rotate ${name} --add CODE`,
    );
  if (model === 'minimum')
    throw new ProjectStateError(
      'this index signs for all its projects itself (security model minimum), so none can be claimed',
      'Ask its operators for the model legacy or maximum.',
    );
  if (standing !== 'unclaimed' && standing !== 'rarely-updated')
    throw new ProjectStateError(
      `${name} publishes nothing yet, so there is nothing to claim`,
      `Publish its first release: holdfast upload dist/*   claims it on the way.`,
    );
  return standing;
}

/** @throws ProjectStateError */
export function checkThreshold(threshold: number, keys: number): void {
  if (threshold <= keys) return;
  throw new ProjectStateError(
    `${threshold} different keys would have to sign, and there ${keys === 1 ? 'is one' : `are ${keys}`}`,
    'Name the keys of the others, too: each of them prints a code with "holdfast key code".',
  );
}

function viewOf(
  signing: ProjectSigning,
  status: ProjectStatus,
  claim: Pick<ClaimView, 'keys' | 'threshold' | 'before'>,
): ClaimView {
  const files = signing.files.toSorted((a, b) => Number(a.uploadTime) - Number(b.uploadTime));
  const nextSigning = claim.before === 'rarely-updated' ? status.nextSigning : undefined;
  return { project: signing.name, role: roleToClaim(signing, status).role, files, nextSigning, ...claim };
}

/** Whether the very same was claimed already, and waits for operators. If an index lies about that, nothing was claimed. */
function isRecorded(
  signing: ProjectSigning,
  status: ProjectStatus,
  { keys, threshold }: Pick<ClaimView, 'keys' | 'threshold'>,
): boolean {
  const { claim } = status;
  if (claim?.threshold !== threshold || claim.keys.size !== keys.length) return false;
  if (!keys.every(({ keyid }) => claim.keys.has(keyid))) return false;
  const { role } = roleToClaim(signing, status);
  const { files } = new ProjectRoleEditor(role, status.roles.get(role));
  return signing.files.every(({ filename, sha256, yanked }) => {
    const listed = files.get(filename);
    return listed?.sha256 === sha256 && listed.yanked === yanked;
  });
}

async function claimOf(
  bench: Workbench,
  signing: ProjectSigning,
  status: ProjectStatus,
  { threshold, expires }: ClaimOptions,
  keys: readonly PublicKey[],
): Promise<ProjectTransaction> {
  const { role, last } = roleToClaim(signing, status);
  const editor = new ProjectRoleEditor(role, undefined, last);
  for (const file of signing.files) editor.setFile(file);
  const bytes = await signRole(editor, [await bench.signer()], bench, expires);
  return { claim: { keys: new Map(keys.map((key) => [key.keyid, key])), threshold }, roles: new Map([[role, bytes]]) };
}

const contentOf = (files: readonly VerifiedDistribution[]): string =>
  JSON.stringify(files.map(({ filename, sha256, yanked }) => `${filename} ${sha256} ${yanked ?? ''}`).sort());
