import { IndexClient } from '../client/index-client.ts';
import type { Notice } from '../client/notice.ts';
import { InvalidInputError, UnsafeSettingError } from '../errors.ts';
import { STABLE_ORIGIN } from '../proxy/addresses.ts';
import type { Refusal } from '../proxy/journal.ts';
import { type RunningProxy, startProxy } from '../proxy/start-proxy.ts';
import { runChild } from './child.ts';
import { toolEnvironment } from './environment.ts';
import { type ToolKind, findTool, kindOf } from './find-tool.ts';
import type { Finding } from './finding.ts';
import { scanArguments } from './scan-arguments.ts';
import { scanUvProject } from './scan-project.ts';
import { scanRequirementFiles } from './scan-requirements.ts';
import { Reporter } from './reporter.ts';

export interface RunOptions {
  readonly home: string;
  /** The program and its arguments: `['pip', 'install', 'flask']`, `['uv', 'sync']`, `['make']`. */
  readonly command: readonly string[];
  /** Left out, the program's name tells. */
  readonly kind?: ToolKind;
  /** The trusted index to install from; left out, the only one. */
  readonly index?: string;
  /** Further trusted indexes, which the tool merges by its own rules. */
  readonly alsoIndexes?: readonly string[];
  /** UNSAFE: hosts that the tool may reach unverified (P14). */
  readonly allowUnverifiedHosts?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly directory?: string;
  readonly clock?: () => Date;
  /** Where messages go; default standard error. */
  readonly write?: (text: string) => void;
  /** ANSI colours in the messages. */
  readonly colour?: boolean;
}

/** Within one run the index is asked again only after this long. Milliseconds. */
const RUN_REFRESH_MS = 60_000;

/**
 * Runs pip, uv or another tool so that all that it fetches has been verified first. Returns the tool's exit code; 1 when
 * something was refused and the tool still said 0.
 * @throws NoTrustError, AmbiguousIndexError, ToolMissingError, UnsafeSettingError — before anything is started
 */
export async function runThroughProxy(options: RunOptions): Promise<number> {
  const { command, environment = process.env, directory = process.cwd(), clock = () => new Date() } = options;
  const [program, ...args] = command;
  if (program === undefined) throw new InvalidInputError('command', '', 'is missing');
  const kind = options.kind ?? kindOf(program);
  const tool = await findTool(program, environment);
  const reporter = new Reporter(options.write ?? ((text) => process.stderr.write(text)), options.colour ?? false);
  const clients = await openClients(options, clock, (notice) => reporter.notice(notice));
  let proxy: RunningProxy | undefined;
  try {
    const findings = await scan(kind, args, directory, environment);
    const [unsafe] = findings.filter((finding) => finding.kind === 'unsafe');
    if (unsafe) throw new UnsafeSettingError(unsafe.what, unsafe.where);
    const allowUnverifiedHosts = options.allowUnverifiedHosts ?? [];
    reporter.unverifiedHosts(allowUnverifiedHosts);
    reporter.findings(
      findings.filter((finding) => !isServed(finding, clients) && !isAllowed(finding, allowUnverifiedHosts)),
    );
    // The metadata is refreshed while the tool starts. What fails here fails again, and is reported, when it is asked for.
    for (const client of clients) client.refresh().catch(() => {});
    const onRefusal = (refusal: Refusal): void => reporter.refusal(refusal);
    proxy = await startProxy({ clients, clock, onRefusal, allowUnverifiedHosts });
    const prepared = toolEnvironment(environment, planOf(proxy, clients, allowUnverifiedHosts));
    reporter.replaced(prepared.replaced);
    const code = await runChild(tool.program, [...tool.before, ...args], prepared.environment, directory);
    reporter.summary(proxy, clients, clock());
    return code === 0 && proxy.refusals.length > 0 ? 1 : code;
  } finally {
    // The clients first, so that nothing that is still being fetched ahead is waited for.
    for (const client of clients) client.close();
    await proxy?.close();
  }
}

async function openClients(
  { home, index, alsoIndexes = [], environment }: RunOptions,
  clock: () => Date,
  onNotice: (notice: Notice) => void,
): Promise<readonly IndexClient[]> {
  const common = { home, clock, onNotice, refreshAfterMs: RUN_REFRESH_MS, ...(environment && { environment }) };
  const first = await IndexClient.open({ ...common, ...(index !== undefined && { name: index }) });
  const others = alsoIndexes.filter((name) => name !== first.name);
  return [first, ...(await Promise.all(others.map((name) => IndexClient.open({ ...common, name }))))];
}

async function scan(
  kind: ToolKind,
  args: readonly string[],
  directory: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly Finding[]> {
  // Another tool's words mean what it likes; but uv, which it may run, reads its configuration in any case.
  const { findings, requirementFiles } =
    kind === 'other' ? { findings: [], requirementFiles: [] } : scanArguments(args, kind);
  const included = await scanRequirementFiles(requirementFiles, directory);
  const configured = kind === 'pip' ? [] : await scanUvProject(kind === 'uv' ? args : ['pip'], directory, environment);
  return [...findings, ...included, ...configured];
}

function planOf(proxy: RunningProxy, clients: readonly IndexClient[], allowed: readonly string[]) {
  const [first, ...others] = clients.map(({ name }) => name);
  if (first === undefined) throw new InvalidInputError('index', '', 'is missing');
  return {
    proxyUrl: proxy.url,
    stableIndexUrl: proxy.stableIndexUrl(first),
    directIndexUrl: proxy.indexUrl(first),
    extraIndexUrls: others.map((name) => proxy.stableIndexUrl(name)),
    reachesOutside: allowed.length > 0,
  };
}

/** The proxy answers for its own address and, over plain http, for the addresses of the trusted indexes. */
function isServed({ value }: Finding, clients: readonly IndexClient[]): boolean {
  if (value.startsWith(STABLE_ORIGIN) || value === new URL(STABLE_ORIGIN).host) return true;
  const served = clients.flatMap((client) => client.mirrorUrls).filter((url) => url.startsWith('http:'));
  return served.some((url) => value.startsWith(url) || value === new URL(url).host);
}

function isAllowed({ value }: Finding, allowed: readonly string[]): boolean {
  const host = URL.parse(value)?.hostname ?? value;
  return allowed.some((each) => each === host || each.startsWith(`${host}:`));
}
