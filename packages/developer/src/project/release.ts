import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import { ProjectRoleEditor, type ProjectTransaction } from '@holdfast/trust';
import type { Signer } from '@holdfast/tuf';
import { FileRefusedError, ProjectStateError } from '../errors.ts';
import { prepareSigner } from '../keys/token-signer.ts';
import { roleFor } from './coverage.ts';
import { inTurns } from './in-turns.ts';
import type { LocalFile } from './local-files.ts';
import { editorOf, lastVersion, roleToClaim, signRole } from './next-role.ts';
import { notYours } from './not-yours.ts';
import type { ProjectStatus, StagedFile } from './project-status.ts';
import { type Settled, settle } from './settle.ts';
import { projectApi, signersOf, type Workbench } from './workbench.ts';

export interface ReleaseOptions {
  /** Claim a project that publishes nothing yet. Otherwise its files go as every uploader sends them. */
  readonly claim: boolean;
  /** Of the roles that are signed; default: in two years. */
  readonly expires?: Date | undefined;
  readonly progress?: ((progress: ReleaseProgress) => void) | undefined;
}

export type ReleaseProgress =
  | { readonly kind: 'sent'; readonly file: LocalFile; readonly bytes: number }
  | { readonly kind: 'stored'; readonly file: LocalFile; readonly answer: string }
  | { readonly kind: 'signing'; readonly roles: readonly string[] };

export interface Release {
  readonly project: ProjectName;
  /** `unsigned`: the index answers for them, or keeps them, as {@link answers} say. `nothing`: all of it is published already. */
  readonly outcome:
    | Settled
    | { readonly state: 'unsigned'; readonly answers: readonly string[] }
    | { readonly state: 'nothing' };
  /** Files that were not published before. */
  readonly fresh: readonly LocalFile[];
  /** Files that are published with the same content. */
  readonly known: readonly LocalFile[];
  readonly claimed: boolean;
}

/** Uploads that are under way at the same time. */
const PARALLEL = 16;

/**
 * Publishes files of a project: first they are sent, which shows them to nobody, then everything is signed and published in one
 * transaction. Run again after a failure, it goes on where it was.
 */
export async function release(
  bench: Workbench,
  project: ProjectName,
  files: readonly LocalFile[],
  options: ReleaseOptions,
): Promise<Release> {
  const signing = await bench.client.signing(project);
  const { fresh, known } = sortOut(signing, files);
  const way = wayOf(signing, options.claim);
  const common = { project, fresh, known, claimed: way === 'claim' };
  if (fresh.length === 0) return { ...common, outcome: { state: 'nothing' }, claimed: false };
  const signer = way === 'plain' ? undefined : await bench.signer();
  if (signer && way === 'sign') for (const file of fresh) ownRole(signing, file, signer);
  if (signer) await prepareSigner(signer);
  const answers = await send(bench, project, fresh, signer === undefined ? 'publish' : 'stage', options);
  if (!signer) return { ...common, outcome: { state: 'unsigned', answers } };
  const status = await projectApi(bench, project).status();
  const staged = fresh.map((file) => stagedAs(file, status));
  return { ...common, outcome: await signFiles(bench, project, staged, { ...options, signer, status }) };
}

export interface SigningOptions extends Pick<ReleaseOptions, 'claim' | 'expires' | 'progress'> {
  readonly signer: Signer;
  readonly status: ProjectStatus;
}

/** Signs files that the index keeps, each in the role that covers it. */
export function signFiles(
  bench: Workbench,
  project: ProjectName,
  staged: readonly StagedFile[],
  options: SigningOptions,
): Promise<Settled> {
  return settle(bench, project, async (signing) => {
    const transaction =
      wayOf(signing, options.claim) === 'claim'
        ? await claimWith(signing, staged, options, bench)
        : await additionTo(signing, staged, options, bench);
    options.progress?.({ kind: 'signing', roles: [...transaction.roles.keys()] });
    return transaction;
  });
}

type Way = 'claim' | 'sign' | 'plain';

/** @throws ProjectStateError for a project that was revoked */
function wayOf({ standing, roles: [own], name, model }: ProjectSigning, claim: boolean): Way {
  if (own?.revoked)
    throw new ProjectStateError(
      `${name} was revoked: nothing that its keys sign counts any more`,
      `Claim it anew, with a key that nobody else has: holdfast claim ${name}`,
    );
  if (own) return 'sign';
  return standing === 'none' && claim && model !== 'minimum' && model !== undefined ? 'claim' : 'plain';
}

/** @throws FileRefusedError when a file is published with other content */
function sortOut(signing: ProjectSigning, files: readonly LocalFile[]): Pick<Release, 'fresh' | 'known'> {
  const published = new Map(signing.files.map((file) => [file.filename, file]));
  const other = files.find(({ filename, sha256 }) => (published.get(filename)?.sha256 ?? sha256) !== sha256);
  if (other)
    throw new FileRefusedError(
      other.path,
      `${signing.index} publishes ${other.filename} with other content, and a published file never changes. Give this one a new version, or a wheel a build number`,
    );
  const isKnown = ({ filename }: LocalFile): boolean => published.has(filename);
  return { fresh: files.filter((file) => !isKnown(file)), known: files.filter(isKnown) };
}

function send(
  bench: Workbench,
  project: ProjectName,
  files: readonly LocalFile[],
  intent: 'stage' | 'publish',
  { progress }: ReleaseOptions,
): Promise<readonly string[]> {
  const api = projectApi(bench, project);
  return inTurns(files, PARALLEL, async (file) => {
    const answer = await api.stage(file, intent, (bytes) => progress?.({ kind: 'sent', file, bytes }));
    progress?.({ kind: 'stored', file, answer });
    return answer;
  });
}

/** What the index keeps must be this very file, as it was looked into here. @throws FileRefusedError */
export function stagedAs(
  file: LocalFile,
  { staged }: Pick<ProjectStatus, 'staged'>,
  absent = 'the index does not have it although it took it',
): StagedFile {
  const kept = staged.find(({ filename }) => filename === file.filename);
  const refuse = (why: string): never => {
    throw new FileRefusedError(file.path, why);
  };
  if (!kept) return refuse(absent);
  if (kept.sha256 !== file.sha256 || kept.size !== file.size)
    return refuse(`the index keeps other content under this name: its SHA-256 is ${kept.sha256}, here ${file.sha256}`);
  const isSame =
    kept.requiresPython === file.requiresPython &&
    kept.coreMetadata?.sha256 === file.coreMetadata?.sha256 &&
    kept.coreMetadata?.size === file.coreMetadata?.size;
  return isSame ? kept : refuse('the index says something else of its metadata than what is in it');
}

async function claimWith(
  signing: ProjectSigning,
  staged: readonly StagedFile[],
  { signer, status, expires }: SigningOptions,
  bench: Workbench,
): Promise<ProjectTransaction> {
  const { role, last } = roleToClaim(signing, status);
  const editor = new ProjectRoleEditor(role, undefined, last);
  for (const file of staged) editor.setFile(file);
  const claim = { keys: new Map([[signer.key.keyid, signer.key]]), threshold: 1 };
  return { claim, roles: new Map([[role, await signRole(editor, [signer], bench, expires)]]) };
}

async function additionTo(
  signing: ProjectSigning,
  staged: readonly StagedFile[],
  { signer, status, expires }: SigningOptions,
  bench: Workbench,
): Promise<ProjectTransaction> {
  const editors = new Map<SigningRole, ProjectRoleEditor>();
  for (const file of staged) {
    const role = ownRole(signing, file, signer);
    const editor = editors.get(role) ?? editorOf(role, lastVersion(role.role, status));
    editors.set(role, editor);
    editor.setFile(file);
  }
  const signed = [...editors].map(
    async ([role, editor]): Promise<[string, Uint8Array]> => [
      role.role,
      await signRole(editor, await signersOf(bench, role, signer), bench, expires),
    ],
  );
  return { roles: new Map(await Promise.all(signed)) };
}

/** @throws NotYourRoleError */
function ownRole(signing: ProjectSigning, { filename }: { filename: string }, { key }: Signer): SigningRole {
  const role = roleFor(signing, filename, new Set([key.keyid]));
  if (!role) throw notYours(signing, key.keyid, filename);
  return role;
}
