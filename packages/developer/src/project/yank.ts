import type { ProjectSigning, SigningRole, VerifiedDistribution } from '@holdfast/installer';
import { compareVersions, parseFilenameOf, parseVersion, type ProjectName } from '@holdfast/python-index';
import type { ProjectRoleEditor } from '@holdfast/trust';
import { ProjectStateError } from '../errors.ts';
import { listedBy, rolesOf } from './coverage.ts';
import { editorOf, signRole } from './next-role.ts';
import { notYours } from './not-yours.ts';
import { seen, type Settled, settle } from './settle.ts';
import { projectApi, signersOf, type Workbench } from './workbench.ts';

export interface YankOptions {
  /** Versions, filenames, or both. */
  readonly subjects: readonly string[];
  /** `false` takes it back. */
  readonly yanked: boolean;
  readonly reason?: string | undefined;
  readonly expires?: Date | undefined;
}

export interface Yanked {
  readonly filenames: readonly string[];
  readonly outcome: Settled;
}

/** PEP 592: signed by the developers of a claimed project, by the index for others. @throws ProjectStateError, NotYourRoleError */
export async function yankFiles(bench: Workbench, project: ProjectName, options: YankOptions): Promise<Yanked> {
  const signing = await bench.client.signing(project);
  const filenames = chosen(signing, options.subjects).map(({ filename }) => filename);
  if (signing.roles.length === 0) {
    const version = await projectApi(bench, project).yank(filenames, options.yanked, options.reason);
    const after = await seen(bench, project, version);
    return { filenames, outcome: { state: 'published', signing: after, timestampVersion: after.timestampVersion } };
  }
  const signer = await bench.signer();
  const outcome = await settle(bench, project, async (now) => {
    const editors = new Map<SigningRole, ProjectRoleEditor>();
    const own = rolesOf(now, new Set([signer.key.keyid]));
    for (const filename of filenames) {
      const role = listedBy(now, filename);
      if (!role || !own.includes(role)) throw notYours(now, signer.key.keyid, filename);
      const editor = editors.get(role) ?? editorOf(role);
      editors.set(role, editor);
      editor.yank(filename, options.yanked && (options.reason ?? true));
    }
    const roles = new Map<string, Uint8Array>();
    for (const [role, editor] of editors) {
      const signers = await signersOf(bench, role, signer);
      roles.set(role.role, await signRole(editor, signers, bench, options.expires));
    }
    return { roles };
  });
  return { filenames, outcome };
}

function chosen(signing: ProjectSigning, subjects: readonly string[]): readonly VerifiedDistribution[] {
  return subjects.flatMap((subject) => {
    const found = signing.files.filter((file) => isMeant(signing.name, subject, file.filename));
    if (found.length > 0) return found;
    throw new ProjectStateError(
      `${signing.index} publishes neither a file nor a version "${subject}" of ${signing.name}`,
      `What there is: holdfast status ${signing.name}`,
    );
  });
}

function isMeant(project: ProjectName, subject: string, filename: string): boolean {
  if (subject.endsWith('.whl') || subject.endsWith('.tar.gz') || subject.endsWith('.zip')) return subject === filename;
  return compareVersions(parseFilenameOf(project, filename).version, parseVersion(subject)) === 0;
}
