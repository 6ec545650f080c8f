import {
  cosign,
  type Cosignable,
  cosignable,
  FileRefusedError,
  inspectFiles,
  type LocalFile,
  planStaged,
  projectApi,
  type ProjectStatus,
  renew,
  seen,
  signStaged,
  type StagedPlan,
  type TransactionAnswer,
  waitsFor,
} from '@holdfast/developer';
import type { ProjectSigning } from '@holdfast/installer';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { type Options, readArguments } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, printJson } from '../terminal.ts';
import { confirmed } from './key-secrets.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, type OpenBench, withBench } from './project-bench.ts';
import {
  filesJson,
  outcomeJson,
  report,
  showPublished,
  showRecorded,
  showWaiting,
  verifiedFiles,
  WAITS,
} from './project-output.ts';
import { showStaged, showTransaction } from './show-waiting.ts';

export const sign: Command = {
  name: 'sign',
  usage: 'PROJECT [FILE…] [--yes] | PROJECT --renew',
  summary: 'sign what waits: files that CI brought with twine, changes by other holders',
  details: [
    '  FILE…                    your own builds of the files that wait: what differs from them is not signed',
    '  --yes                    sign without being asked; best with FILE…',
    '  --renew                  sign what is published anew, so that it is valid for longer',
    BENCH_HELP,
  ].join('\n'),
  async run(args) {
    const declared = { ...BENCH_OPTIONS, yes: { type: 'boolean' }, renew: { type: 'boolean' } } as const;
    const { options, positionals } = readArguments(args, declared, ['PROJECT', '[FILE]…']);
    const [given = '', ...paths] = positionals;
    const project = normalizeName(given);
    const expires = expiresFrom(options);
    const json = options.get('json') === true;
    if (options.get('renew') === true) {
      if (paths.length > 0) throw new UsageError('--renew signs what is published: it takes no FILE');
      return withBench(options, async (bench) => {
        const outcome = await renew(bench, project, expires);
        return report(project, outcome, json, `${project} is signed anew.`);
      });
    }
    const locals = await inspectFiles(paths);
    return withBench(options, async (bench) => {
      const { key } = await bench.signer();
      const first = await look(bench, project);
      for (const each of cosignable(first.signing, first.status.transactions, key)) compare(each, locals);
      planStaged(first.signing, first.status, key.keyid, locals); // refuses what differs, before anything is signed
      const signed: Signed[] = [];
      const isAgreed = await signChanges(bench, first, { options, locals }, signed);
      if (isAgreed) {
        const { signing, status } = signed.length === 0 ? first : await look(bench, project);
        await signFiles(bench, { signing, status }, planStaged(signing, status, key.keyid, locals), options, signed);
      }
      return reportAll(project, signed, options.get('json') === true);
    });
  },
};

interface Look {
  readonly signing: ProjectSigning;
  readonly status: ProjectStatus;
}

/** A project as verified metadata has it, and what waits beside it. */
async function look(bench: OpenBench, project: ProjectName): Promise<Look> {
  const [signing, status] = await Promise.all([bench.client.signing(project), projectApi(bench, project).status()]);
  return { signing, status };
}

/** What became of one thing that was to be signed; for programs, too. */
interface Signed {
  readonly state: 'published' | 'recorded' | 'waiting' | 'declined';
  readonly json: object;
}

interface Given {
  readonly options: Options;
  readonly locals: readonly LocalFile[];
}

/** Signs changes by others, one after the other: what one publishes may overtake the next. @returns whether to go on */
async function signChanges(
  bench: OpenBench,
  first: Look,
  { options, locals }: Given,
  signed: Signed[],
): Promise<boolean> {
  const { key } = await bench.signer();
  let now = first;
  for (let most = first.status.transactions.length; most > 0; most--) {
    const { signing, status } = now;
    const each = cosignable(signing, status.transactions, key).find(({ mine }) => mine.length > 0);
    if (!each) return true;
    showTransaction(each);
    compare(each, locals);
    if (!(await agreed(options, signed))) return false;
    const answer = await cosign(bench, signing, each);
    signed.push({ state: answer.state, json: answerJson(answer) });
    if (answer.state === 'waiting') showWaiting(signing.name, answer);
    else if (answer.state === 'recorded') showRecorded(signing.name, status.nextSigning);
    else note(`That was the last signature: it is published, under timestamp ${answer.timestampVersion}.`);
    if (answer.state !== 'waiting') await seen(bench, signing.name, answer.timestampVersion);
    now = await look(bench, signing.name);
  }
  return true;
}

const answerJson = (answer: TransactionAnswer): object =>
  answer.state === 'waiting'
    ? { waiting: Object.fromEntries(answer.waiting) }
    : { timestamp_version: answer.timestampVersion };

/** @throws FileRefusedError */
function compare({ view }: Cosignable, locals: readonly LocalFile[]): void {
  const added = view.roles.flatMap((role) => role.added);
  for (const local of locals) {
    const listed = added.find(({ filename }) => filename === local.filename);
    if (listed && listed.sha256 !== local.sha256)
      throw new FileRefusedError(
        local.path,
        `the change that waits lists other content under this name: its SHA-256 is ${listed.sha256}, here ${local.sha256}`,
      );
  }
}

async function signFiles(
  bench: OpenBench,
  { signing, status }: Look,
  plan: StagedPlan,
  options: Options,
  signed: Signed[],
): Promise<void> {
  if (plan.others.length > 0 && (signing.roles[0]?.revoked ?? true)) {
    note(`${plan.others.map(({ filename }) => filename).join(', ')} waits${waitsFor(signing, status)}.`);
    return;
  }
  showStaged(plan);
  if (plan.mine.length === 0 || !(await agreed(options, signed))) return;
  const signer = await bench.signer();
  const how = { signer, status, claim: false, expires: expiresFrom(options) };
  const outcome = await signStaged(bench, signing.name, plan, how);
  const names = plan.mine.map(({ file }) => file.filename);
  signed.push({ state: outcome.state, json: { ...outcomeJson(outcome), ...filesJson(outcome, names) } });
  if (options.get('json') === true) return;
  if (outcome.state === 'waiting') showWaiting(signing.name, outcome);
  else if (outcome.state === 'recorded') showRecorded(signing.name, outcome.nextSigning);
  else showPublished(bench, verifiedFiles(outcome.signing, names));
}

async function agreed(options: Options, signed: Signed[]): Promise<boolean> {
  if (options.get('yes') === true || (await confirmed('Sign this?', '--yes'))) return true;
  note(signed.length === 0 ? 'Nothing was signed.' : 'Nothing more was signed.');
  signed.push({ state: 'declined', json: {} });
  return false;
}

/** One document for programs, whatever was signed. @returns the exit code */
function reportAll(project: ProjectName, signed: readonly Signed[], json: boolean): number {
  if (signed.length === 0) note(`Nothing of ${project} waits for your key.`);
  const state = (['declined', 'waiting', 'recorded', 'published'] as const).find((worst) =>
    signed.some((each) => each.state === worst),
  );
  const [only] = signed;
  const changes = { changes: signed.map((each) => ({ state: each.state, ...each.json })) };
  if (json) printJson({ project, state: state ?? 'nothing', ...(signed.length > 1 ? changes : only?.json) });
  if (state === 'declined') return 1;
  return state === 'waiting' ? WAITS : 0;
}
