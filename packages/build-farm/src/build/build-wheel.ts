import { hash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IndexClient, VerifiedDistribution } from '@holdfast/installer';
import {
  bytesSource,
  type CoreMetadata,
  parseDistributionFilename,
  PythonIndexError,
  readDistributionMetadata,
  type SdistFilename,
} from '@holdfast/python-index';
import { BuildFailedError, BuildRequirementsError } from '../errors.ts';
import type { ControlGroups } from '../sandbox/control-groups.ts';
import type { Isolation } from '../sandbox/isolation.ts';
import { type BuildLimits, DEFAULT_BUILD_LIMITS, OPEN_FILES } from '../sandbox/limits.ts';
import { INPUT, WORK } from '../sandbox/places.ts';
import { countTasks } from '../sandbox/process-tree.ts';
import { supervise } from '../sandbox/supervise.ts';
import { type Answer, readAnswer } from './answer.ts';
import { type CheckedWheel, checkWheel } from './check-wheel.ts';
import { buildEnvironment } from './environment.ts';
import { fetchRequirements } from './fetch-requirements.ts';
import type { BuildPython } from './python.ts';

export interface BuildOptions {
  /** The trusted index: of the sdist and of what builds need. */
  readonly client: IndexClient;
  readonly python: BuildPython;
  readonly isolation: Isolation;
  readonly limits?: Partial<BuildLimits>;
  /** With them the kernel keeps the limits for a build as a whole. */
  readonly groups?: ControlGroups | undefined;
  /** The build may reach every host that the farm reaches. What comes from there is verified by nobody. */
  readonly network?: boolean;
  readonly signal?: AbortSignal;
  /** Where the files of a build are meanwhile: the system's temporary directory unless given. */
  readonly scratch?: string;
}

export interface BuiltWheel extends CheckedWheel {
  readonly filename: string;
  readonly bytes: Buffer;
  /** Lower-case hex. */
  readonly sha256: string;
  /** SOURCE_DATE_EPOCH of the build, in seconds. */
  readonly epoch: number;
  /** What the build needed: names of wheels. */
  readonly requirements: readonly string[];
}

/** The sdist says once what it needs, then its backend says more (PEP 517); whoever still asks after that asks for ever. */
const MOST_ROUNDS = 4;
const RUNNER = fileURLToPath(new URL('../../python/build_one.py', import.meta.url));

/**
 * Builds the wheel of a verified sdist: shut in, without a network, in an environment that is the same on every farm, with build
 * requirements that came verified from the same index. The wheel is checked as the index will check it.
 * @throws BuildRequirementsError, BuildFailedError, BuildLimitError, WrongWheelError, and InstallerError when the sdist cannot be had
 */
export async function buildWheel(sdist: VerifiedDistribution, options: BuildOptions): Promise<BuiltWheel> {
  const limits = { ...DEFAULT_BUILD_LIMITS, ...options.limits };
  const job = await mkdtemp(join(options.scratch ?? tmpdir(), 'holdfast-build-'));
  try {
    const { name, promised } = await prepare(job, sdist, options.client);
    const given = new Set<string>();
    for (let round = 1; round <= MOST_ROUNDS; round++) {
      const answer = await runBuild(job, sdist, [...given], limits, options);
      if (answer.kind === 'wheel') {
        const checked = await checkWheel(answer.filename, answer.bytes, name, promised);
        const sha256 = hash('sha256', answer.bytes, 'hex');
        return { ...checked, ...answer, sha256, requirements: await readdir(join(job, 'in', 'wheels')) };
      }
      for (const requirement of answer.requirements) given.add(requirement);
      await provide(job, sdist, [...given], limits, options);
    }
    throw new BuildRequirementsError([...given], 'the build always asks for more');
  } finally {
    await rm(job, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Puts the sdist, whose bytes are verified once more on the way, where the build will see it. */
async function prepare(
  job: string,
  sdist: VerifiedDistribution,
  client: IndexClient,
): Promise<{ name: SdistFilename; promised: CoreMetadata }> {
  const input = join(job, 'in');
  await mkdir(join(input, 'wheels'), { recursive: true });
  const bytes = await readVerified(client, sdist);
  await writeFile(join(input, 'sdist.tar.gz'), bytes);
  await writeFile(join(input, 'passwd'), `build:x:1000:1000::${WORK}/home:/bin/sh\n`);
  await writeFile(join(input, 'group'), 'build:x:1000:\n');
  try {
    const name = parseDistributionFilename(sdist.filename);
    if (name.kind !== 'sdist') throw new BuildFailedError('read', `${sdist.filename} is no sdist`, '');
    return { name, promised: (await readDistributionMetadata(bytesSource(bytes), sdist.filename)).fields };
  } catch (cause) {
    if (!(cause instanceof PythonIndexError)) throw cause;
    throw new BuildFailedError('read', cause.message, '', { cause });
  }
}

async function readVerified(client: IndexClient, file: VerifiedDistribution): Promise<Buffer> {
  const { handle } = await client.openFile(file);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Anew each time: exactly the wheels that fit all requirements together. */
async function provide(
  job: string,
  sdist: VerifiedDistribution,
  requirements: readonly string[],
  limits: BuildLimits,
  { client, python, signal }: BuildOptions,
): Promise<void> {
  const into = join(job, 'in', 'wheels');
  await rm(into, { recursive: true });
  await mkdir(into);
  const wanted = { requirements, before: sdist.uploadTime, into, scratch: join(job, 'pip') };
  await fetchRequirements(client, python, wanted, limits, signal);
}

async function runBuild(
  job: string,
  sdist: VerifiedDistribution,
  requirements: readonly string[],
  limits: BuildLimits,
  { python, isolation, groups, network = false, signal }: BuildOptions,
): Promise<Answer> {
  const shut = isolation.kind !== 'none';
  const [input, work] = shut ? [INPUT, WORK] : [join(job, 'in'), join(job, 'work')];
  if (!shut) await rm(work, { recursive: true, force: true });
  if (!shut) await mkdir(work);
  const request = {
    sdist: `${input}/sdist.tar.gz`,
    wheels: `${input}/wheels`,
    requirements,
    work,
    latest: Math.floor(sdist.uploadTime.getTime() / 1000),
    limits: await resourceLimits(limits, shut),
  };
  await writeFile(join(job, 'in', 'request.json'), JSON.stringify(request));
  await copyFile(RUNNER, join(job, 'in', 'build_one.py'));
  await makeReadable(join(job, 'in'));
  const environment = buildEnvironment(work);
  const surroundings = { readable: python.directories, input: join(job, 'in'), diskBytes: limits.diskBytes, network };
  const inner = [python.executable, '-I', `${input}/build_one.py`, `${input}/request.json`];
  const [program = '', ...args] = await isolation.wrap(inner, environment, surroundings);
  const group = await groups?.make(limits);
  try {
    const command = { program, args, environment: Object.fromEntries(environment), directory: job, group };
    const { code, output, log } = await supervise(command, limits, signal);
    return readAnswer(output, code, log);
  } finally {
    await group?.remove();
  }
}

/** Within its own namespaces a build's processes are counted alone (Linux 5.14); outside, the kernel counts all that the user has. */
async function resourceLimits(limits: BuildLimits, shut: boolean): Promise<object> {
  const { seconds, memoryBytes, diskBytes, processes } = limits;
  return {
    cpuSeconds: seconds,
    memoryBytes,
    fileBytes: diskBytes,
    openFiles: OPEN_FILES,
    processes: shut ? processes : processes + (await countTasks(process.getuid?.() ?? -1)),
  };
}

/** Whatever mask the farm has: who builds may be somebody else. Nobody comes to these files but through the sandbox. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else await chmod(path, 0o644);
  }
}
