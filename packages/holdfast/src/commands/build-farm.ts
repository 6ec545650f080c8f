import { readFile } from 'node:fs/promises';
import {
  bubblewrapIsolation,
  ControlGroups,
  type BuildLimits,
  type BuildOptions,
  buildJson,
  compareWheels,
  DEFAULT_BUILD_LIMITS,
  describeComparison,
  describeEvent,
  type FarmEvent,
  FarmState,
  findPython,
  noIsolation,
  runFarm,
} from '@holdfast/build-farm';
import { normalizeName } from '@holdfast/python-index';
import { duration, integer, type Options, readArguments, text, texts } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { untilStopped } from '../signals.ts';
import { note, paintNote, print, printJson } from '../terminal.ts';
import { SECRET_HELP, SECRET_OPTIONS } from './key-secrets.ts';
import { withBench } from './project-bench.ts';

const MIB = 1024 ** 2;
const DAYS_30 = 30 * 86_400;

const declared = {
  ...SECRET_OPTIONS,
  state: { type: 'string' },
  index: { type: 'string' },
  key: { type: 'string' },
  project: { type: 'string', multiple: true },
  once: { type: 'boolean' },
  json: { type: 'boolean' },
  every: { type: 'string' },
  'max-age': { type: 'string' },
  python: { type: 'string', default: 'python3' },
  timeout: { type: 'string' },
  memory: { type: 'string' },
  disk: { type: 'string' },
  'build-user': { type: 'string' },
  'allow-network': { type: 'string', multiple: true },
  'unsafe-no-isolation': { type: 'boolean' },
} as const;

export const buildFarm: Command = {
  name: 'build-farm',
  usage: '--state DIRECTORY [--index NAME] [--once] [--json]',
  summary: 'build wheels of the sdists of projects that delegated them to your key',
  details: [
    '  --state DIRECTORY        where it keeps what it built and tried; made when it is not there',
    '  --index NAME             the trusted index, when you trust more than one',
    '  --key KEYID              sign with another key than the one in use (holdfast key list)',
    '  --project NAME           look at this project only; may be given more than once',
    '  --once                   one round, then end: 1 when something failed; for cron and CI',
    '  --json                   what happens as lines of JSON; with --once, all builds at the end',
    '  --every TIME             between two rounds (default 30s)',
    '  --max-age TIME           leave older sdists alone (default 30d)',
    '  --python PROGRAM         builds with this Python, which has pip 26 and build (default python3)',
    '  --timeout TIME           for one build (default 30m)',
    '  --memory MIB             for one build (default 4096)',
    '  --disk MIB               for one build; it lies in memory (default 4096)',
    '  --build-user USER        whom builds run as when the farm is root: a name or a number (default nobody)',
    '  --allow-network PROJECT  builds of PROJECT may reach the network; may be given more than once',
    '  --unsafe-no-isolation    build where this machine cannot isolate: a build can then read your keys',
    SECRET_HELP,
    'Guide: docs/guides/build-farm.md.',
  ].join('\n'),
  async run(args) {
    const { options } = readArguments(args, declared, []);
    const directory = text(options, 'state');
    if (directory === undefined) throw new UsageError('--state DIRECTORY is missing');
    // What cannot work is said before a passphrase is asked for.
    const building = await buildingOf(options);
    const state = FarmState.open(directory);
    try {
      return await farm(state, options, building);
    } finally {
      state.close();
    }
  },
};

type Building = Omit<BuildOptions, 'client'>;

async function farm(state: FarmState, options: Options, building: Building): Promise<number> {
  const isJson = options.get('json') === true;
  const once = options.get('once') === true;
  const projects = texts(options, 'project').map(normalizeName);
  const open = new Set(texts(options, 'allow-network').map((name): string => normalizeName(name)));
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  const { signal } = stopping;
  return withBench(options, async (bench) => {
    const signer = await bench.signer();
    const seconds = (name: string, otherwise: number): number => duration(options, name, otherwise) * 1000;
    const work = {
      bench,
      signer,
      state,
      maxAgeMs: seconds('max-age', DAYS_30),
      building: (project: string) => ({ ...building, network: open.has(project), signal }),
      tell: isJson ? tellJson : tellPerson,
    };
    if (!isJson && !once)
      print(
        `Building for key ${signer.key.keyid}. ${state.directory}/status.json says how it goes.\n${heldBy(building)}`,
      );
    const own = projects.length > 0 ? { projects } : {};
    const { failures, builds } = await runFarm(work, { ...own, once, everyMs: seconds('every', 30), signal });
    if (once && isJson) printJson(builds.map(buildJson));
    return once && failures > 0 ? 1 : 0;
  });
}

const heldBy = ({ groups }: Building): string =>
  groups
    ? 'The kernel holds each build as a whole to its limits, in a control group.'
    : 'There are no control groups: the memory of a build as a whole is looked at five times a second (docs/guides/build-farm.md).';

async function buildingOf(options: Options): Promise<Building> {
  const python = await findPython(text(options, 'python'));
  const limits = limitsOf(options);
  const groups = await ControlGroups.find();
  const buildUser = text(options, 'build-user');
  if (options.get('unsafe-no-isolation') !== true)
    return { python, limits, groups, isolation: await bubblewrapIsolation({ python, buildUser }) };
  const isolation = noIsolation();
  note(
    `${paintNote('red', 'holdfast: UNSAFE:')} whoever wrote an sdist can read and change all that you can, your keys among it.`,
  );
  return { python, limits, groups, isolation };
}

function limitsOf(options: Options): Partial<BuildLimits> {
  const { seconds, memoryBytes, diskBytes } = DEFAULT_BUILD_LIMITS;
  const mib = (name: string, otherwise: number): number =>
    integer(options, name, { least: 64, most: 1 << 20, otherwise: otherwise / MIB }) * MIB;
  return {
    seconds: duration(options, 'timeout', seconds),
    memoryBytes: mib('memory', memoryBytes),
    diskBytes: mib('disk', diskBytes),
  };
}

function tellJson(happened: FarmEvent): void {
  note(JSON.stringify({ at: new Date().toISOString(), ...happened }));
}

function tellPerson(happened: FarmEvent): void {
  note(`${new Date().toISOString()} ${describeEvent(happened)}`);
}

export const buildFarmCompare: Command = {
  name: 'build-farm compare',
  usage: 'FIRST.whl SECOND.whl [--json]',
  summary: 'in which files, and in what, two wheels differ',
  async run(args) {
    const { options, positionals } = readArguments(args, { json: { type: 'boolean' } }, ['FIRST.whl', 'SECOND.whl']);
    const [first = '', second = ''] = positionals;
    const comparison = await compareWheels(await readFile(first), await readFile(second));
    if (options.get('json') === true) printJson(comparison);
    else print(describeComparison(comparison, ['first', 'second']));
    return comparison.identical ? 0 : 1;
  },
};
