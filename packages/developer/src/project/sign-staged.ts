import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import { FileRefusedError, NotYourRoleError } from '../errors.ts';
import { roleFor, rolesOf } from './coverage.ts';
import { describeTransaction } from './describe-transaction.ts';
import type { LocalFile } from './local-files.ts';
import { editorOf, signRole } from './next-role.ts';
import type { ProjectStatus, StagedFile } from './project-status.ts';
import { signFiles, type SigningOptions, stagedAs } from './release.ts';
import { type Settled, settle } from './settle.ts';
import { signersOf, type Workbench } from './workbench.ts';

/** Files that the index keeps for a project, as a holder of a key sees them. */
export interface StagedPlan {
  /** Those that the key may sign, with the role that will list them. */
  readonly mine: readonly {
    readonly file: StagedFile;
    readonly role: SigningRole;
    readonly local: LocalFile | undefined;
  }[];
  /** Those that others have to sign. */
  readonly others: readonly StagedFile[];
  /** Those that a change lists which waits for signatures: signing them once more would only make another such change. */
  readonly underWay: readonly StagedFile[];
}

/**
 * Which of the files that wait this key may sign. With local files given, exactly these are meant, and each must be the one that waits.
 * What a change lists that waits for signatures is signed with that (`cosign`).
 * @throws FileRefusedError when one differs from the file that waits, or does not wait
 */
export function planStaged(
  signing: ProjectSigning,
  status: ProjectStatus,
  keyid: string,
  locals: readonly LocalFile[],
): StagedPlan {
  const isUnderWay = inChanges(signing, status);
  const fresh = locals.filter((local) => !isPublished(signing, local) && !isUnderWay(local));
  for (const local of fresh) stagedAs(local, status, 'nobody brought it to the index, so it does not wait');
  const byName = new Map(fresh.map((local) => [local.filename, local]));
  const open = status.staged.filter((file) => !isUnderWay(file));
  const meant = locals.length === 0 ? open : open.filter(({ filename }) => byName.has(filename));
  const sorted = meant.map((file) => ({
    file,
    role: roleFor(signing, file.filename, new Set([keyid])),
    local: byName.get(file.filename),
  }));
  return {
    mine: sorted.flatMap(({ file, role, local }) => (role ? [{ file, role, local }] : [])),
    others: sorted.flatMap(({ file, role }) => (role ? [] : [file])),
    underWay: status.staged.filter(isUnderWay),
  };
}

/** Whether a change that waits for signatures lists this very file. */
function inChanges(
  signing: ProjectSigning,
  { transactions }: ProjectStatus,
): (file: { readonly filename: string; readonly sha256: string }) => boolean {
  const added = transactions.flatMap(({ transaction }) =>
    describeTransaction(signing, transaction).roles.flatMap((role) => role.added),
  );
  const listed = new Set(added.map(({ filename, sha256 }) => `${sha256} ${filename}`));
  return ({ filename, sha256 }) => listed.has(`${sha256} ${filename}`);
}

/** @throws FileRefusedError when it is another project's, or published with other content */
function isPublished({ name, files }: ProjectSigning, local: LocalFile): boolean {
  if (local.name.project !== name)
    throw new FileRefusedError(local.path, `it belongs to ${local.name.project}, not to ${name}`);
  const published = files.find(({ filename }) => filename === local.filename);
  if (published && published.sha256 !== local.sha256)
    throw new FileRefusedError(
      local.path,
      `it is published with other content: the SHA-256 is ${published.sha256}, here ${local.sha256}`,
    );
  return published !== undefined;
}

/** Signs what {@link planStaged} found. */
export function signStaged(
  bench: Workbench,
  project: ProjectName,
  { mine }: StagedPlan,
  options: SigningOptions,
): Promise<Settled> {
  return signFiles(
    bench,
    project,
    mine.map(({ file }) => file),
    options,
  );
}

/** Signs every role of a project that this key may sign anew, so that it is valid for longer. @throws NotYourRoleError */
export function renew(bench: Workbench, project: ProjectName, expires?: Date): Promise<Settled> {
  return settle(bench, project, async (signing) => {
    const signer = await bench.signer();
    const own = rolesOf(signing, new Set([signer.key.keyid])).filter(({ signed }) => signed !== undefined);
    if (own.length === 0)
      throw new NotYourRoleError(
        `your key ${signer.key.keyid.slice(0, 12)} has nothing to renew in ${project}`,
        `See who signs what: holdfast status ${project}`,
      );
    const roles = new Map<string, Uint8Array>();
    for (const role of own) {
      const signers = await signersOf(bench, role, signer);
      roles.set(role.role, await signRole(editorOf(role), signers, bench, expires));
    }
    return { roles };
  });
}
