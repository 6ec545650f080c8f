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
  signStaged,
  type StagedPlan,
} from '@holdfast/developer';
import type { ProjectSigning } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import { type Options, readArguments } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, printJson } from '../terminal.ts';
import { confirmed } from './key-secrets.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, type OpenBench, withBench } from './project-bench.ts';
import {
  report,
  settledJson,
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
      const [signing, status] = await Promise.all([bench.client.signing(project), projectApi(bench, project).status()]);
      const { key } = await bench.signer();
      const waiting = cosignable(signing, status.transactions, key);
      const plan = planStaged(
        signing,
        status,
        key.keyid,
        locals.filter((local) => !isIn(waiting, local)),
      );
      const codes = [
        await signTransactions(bench, signing, waiting, { options, locals, status }),
        await signFiles(bench, signing, plan, options, status),
      ].filter((code) => code !== undefined);
      if (codes.length === 0) {
        if (json) printJson({ project, state: 'nothing' });
        note(`Nothing of ${project} waits for your key.`);
      }
      return Math.max(0, ...codes);
    });
  },
};

/** A change by somebody else may be about files that are here. */
const isIn = (waiting: readonly Cosignable[], { filename }: LocalFile): boolean =>
  waiting.some(({ view }) => view.roles.some(({ added }) => added.some((file) => file.filename === filename)));

interface Given {
  readonly options: Options;
  readonly locals: readonly LocalFile[];
  readonly status: ProjectStatus;
}

/** @returns the exit code; `undefined` when there was nothing to sign */
async function signTransactions(
  bench: OpenBench,
  signing: ProjectSigning,
  waiting: readonly Cosignable[],
  { options, locals, status }: Given,
): Promise<number | undefined> {
  let code: number | undefined;
  for (const each of waiting.filter(({ mine }) => mine.length > 0)) {
    showTransaction(each);
    compare(each, locals);
    if (!(await agreed(options))) return 1;
    const answer = await cosign(bench, signing, each);
    if (options.get('json') === true) printJson({ project: signing.name, state: answer.state });
    if (answer.state === 'waiting') showWaiting(signing.name, answer);
    else if (answer.state === 'recorded') showRecorded(signing.name, status.nextSigning);
    else note(`That was the last signature: it is published, under timestamp ${answer.timestampVersion}.`);
    code = Math.max(code ?? 0, answer.state === 'waiting' ? WAITS : 0);
  }
  return code;
}

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
  signing: ProjectSigning,
  plan: StagedPlan,
  options: Options,
  status: ProjectStatus,
): Promise<number | undefined> {
  showStaged(plan);
  if (plan.mine.length === 0) return undefined;
  if (!(await agreed(options))) return 1;
  const signer = await bench.signer();
  const how = { signer, status, claim: false, expires: expiresFrom(options) };
  const outcome = await signStaged(bench, signing.name, plan, how);
  const names = plan.mine.map(({ file }) => file.filename);
  if (options.get('json') === true) settledJson(signing.name, outcome, { published: names });
  else if (outcome.state === 'waiting') showWaiting(signing.name, outcome);
  else if (outcome.state === 'recorded') showRecorded(signing.name, outcome.nextSigning);
  else showPublished(bench, verifiedFiles(outcome.signing, names));
  return outcome.state === 'waiting' ? WAITS : 0;
}

async function agreed(options: Options): Promise<boolean> {
  if (options.get('yes') === true || (await confirmed('Sign this?', '--yes'))) return true;
  note('Nothing was signed.');
  return false;
}
