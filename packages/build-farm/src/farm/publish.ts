import {
  ConflictError,
  editorOf,
  inspectFile,
  lastVersion,
  type LocalFile,
  ProjectApi,
  type ProjectStatus,
  seen,
  stagedAs,
} from '@holdfast/developer';
import type { ProjectSigning } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import type { Distribution, ProjectRoleEditor, ProjectTransaction, WaitingFor } from '@holdfast/trust';
import { addSignature, signMetadata } from '@holdfast/tuf';
import { reportDifference } from './difference.ts';
import { farmRoles } from './delegated.ts';
import type { FarmWork } from './farm-work.ts';
import type { BuildRecord } from './build-record.ts';
import { examine, expiryOf, proposalFor, renewedExpiry } from './proposal.ts';

/** What this farm has to say about one role: wheels to be added, or only that it goes on. */
export interface Offer {
  readonly project: ProjectName;
  readonly role: string;
  readonly wheels: readonly BuildRecord[];
  readonly renew: boolean;
}

const ATTEMPTS = 5;

/**
 * Publishes wheels of one role, or signs for the first of several farms that they are right. Where another farm's proposal waits, it is
 * looked at first: signed when it says exactly what this farm would, reported and not signed when it has other wheels.
 */
export async function publish(work: FarmWork, offer: Offer): Promise<void> {
  const api = new ProjectApi(work.bench.api, offer.project);
  for (let attempt = 1; ; attempt++) {
    try {
      return await publishOnce(work, api, offer);
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
      // Another transaction of the project came first: what it changed is looked at anew.
      await work.bench.client.refresh();
    }
  }
}

async function publishOnce(work: FarmWork, api: ProjectApi, offer: Offer): Promise<void> {
  const { bench, signer } = work;
  const signing = await bench.client.signing(offer.project);
  const role = farmRoles(signing, signer.key.keyid).find((each) => each.role === offer.role);
  if (!role) return;
  const status = await api.status();
  const editor = (): ProjectRoleEditor => editorOf(role, lastVersion(role.role, status));
  const own = await ownFiles(work, offer.wheels);
  const all = { offer, signing, status, own, editor };
  if (!(await joinProposal(work, api, all))) await propose(work, api, all);
}

/** Signs what another farm proposed, or says why not. @returns whether there is something that this farm's own proposal would displace */
async function joinProposal(work: FarmWork, api: ProjectApi, all: Proposing): Promise<boolean> {
  const { bench, signer } = work;
  const { offer, status, own, editor } = all;
  const proposal = proposalFor(status, offer.role, editor().version);
  const bytes = proposal?.transaction.roles.get(offer.role);
  if (!proposal || !bytes) return false;
  const { index } = bench;
  const verdict = examine(bytes, editor(), { own, status, keyid: signer.key.keyid, now: bench.now(), index });
  switch (verdict.kind) {
    case 'signed':
      settleWaiting(work, offer, proposal.waiting.get(offer.role));
      return true;
    case 'agree':
      await send(work, api, offer, { roles: new Map([[offer.role, await addSignature(verdict.bytes, signer)]]) });
      return true;
    case 'foreign':
      leftAlone(work, offer, verdict.reason);
      return true;
    case 'differs': {
      // One whose files were discarded comes to nothing.
      const kept = [...verdict.files.values()].filter((theirs) => isStaged(status, theirs));
      for (const theirs of kept) await differs(work, offer, theirs);
      return kept.length > 0;
    }
  }
}

const isStaged = ({ staged }: ProjectStatus, file: Distribution): boolean =>
  staged.some(({ filename, sha256 }) => filename === file.filename && sha256 === file.sha256);

/** Tells once. */
function leftAlone(work: FarmWork, offer: Offer, reason: string): void {
  if (offer.wheels.some((record) => record.reason === reason)) return;
  for (const record of offer.wheels) put(work, record, { standing: record.standing, code: 'LEFT_ALONE', reason });
  work.tell({ event: 'left', project: offer.project, role: offer.role, reason });
}

interface Proposing {
  readonly offer: Offer;
  readonly signing: ProjectSigning;
  readonly status: ProjectStatus;
  readonly own: ReadonlyMap<string, LocalFile>;
  /** Of the next version, anew each time. */
  readonly editor: () => ProjectRoleEditor;
}

async function propose(work: FarmWork, api: ProjectApi, { offer, status, own, ...all }: Proposing): Promise<void> {
  const { bench, signer } = work;
  const editor = all.editor();
  const fresh = [...own.values()].filter(({ filename }) => !editor.files.has(filename));
  const agreed: LocalFile[] = [];
  for (const file of fresh) {
    const theirs = status.staged.find(({ filename }) => filename === file.filename);
    if (theirs && theirs.sha256 !== file.sha256) await differs(work, offer, theirs);
    else agreed.push(file);
  }
  if (agreed.length === 0 && !offer.renew) return;
  for (const file of agreed) await api.stage(file, 'stage');
  const now = agreed.length > 0 ? await api.status() : status;
  for (const file of agreed) editor.setFile(stagedAs(file, now));
  const expires = agreed.length > 0 ? expiryOf(editor) : renewedExpiry(bench.now());
  const bytes = await signMetadata(editor.build(expires, bench.index), [signer]);
  const wheels = offer.wheels.filter(({ wheel }) => agreed.some(({ filename }) => filename === wheel?.filename));
  await send(work, api, { ...offer, wheels }, { roles: new Map([[offer.role, bytes]]) });
}

async function send(work: FarmWork, api: ProjectApi, offer: Offer, transaction: ProjectTransaction): Promise<void> {
  const { bench, tell } = work;
  const answer = await api.send(transaction);
  if (answer.state === 'waiting') return settleWaiting(work, offer, answer.waiting.get(offer.role));
  // Published is what an installer verifies, not what the index says.
  await seen(bench, offer.project, answer.timestampVersion);
  for (const record of offer.wheels) put(work, record, { standing: 'published' });
  tell({ event: 'published', project: offer.project, wheels: namesOf(offer), role: offer.role });
}

function settleWaiting(work: FarmWork, offer: Offer, waiting: WaitingFor | undefined): void {
  const fresh = offer.wheels.filter(({ standing }) => standing !== 'waiting');
  for (const record of offer.wheels) put(work, record, { standing: 'waiting' });
  if (fresh.length === 0 && !offer.renew) return;
  const [signed, threshold] = [waiting?.signed.length ?? 1, waiting?.threshold ?? 0];
  work.tell({ event: 'waiting', project: offer.project, wheels: namesOf(offer), role: offer.role, signed, threshold });
}

/** Writes down, once for each of the other farm's wheels, that nobody should install it before somebody has looked. */
async function differs(work: FarmWork, offer: Offer, theirs: Distribution): Promise<void> {
  const { filename } = theirs;
  const record = offer.wheels.find(({ wheel }) => wheel?.filename === filename);
  if (!record) return;
  const report = await reportDifference(work, record, theirs);
  if (record.standing === 'differs' && record.detail === report) return;
  const reason = `another farm has ${filename} with SHA-256 ${theirs.sha256}`;
  put(work, record, { standing: 'differs', code: 'NOT_REPRODUCED', reason, detail: report });
  work.tell({ event: 'differs', project: offer.project, wheel: filename, report });
}

/** The wheels of this farm's disk, looked into as the index will look into them. */
async function ownFiles({ state }: FarmWork, wheels: readonly BuildRecord[]): Promise<ReadonlyMap<string, LocalFile>> {
  const files = wheels.flatMap(({ sdist, wheel }) => (wheel ? [state.wheelPath(sdist, wheel.filename)] : []));
  const inspected = await Promise.all(files.map(inspectFile));
  return new Map(inspected.map((file) => [file.filename, file]));
}

function put({ state, bench }: FarmWork, record: BuildRecord, change: Partial<BuildRecord>): void {
  const settled = { code: undefined, reason: undefined, detail: undefined, log: undefined, nextTry: undefined };
  state.put({ ...record, ...settled, ...change, updatedAt: bench.now() });
}

const namesOf = ({ wheels }: Offer): readonly string[] => wheels.flatMap(({ wheel }) => wheel?.filename ?? []);
