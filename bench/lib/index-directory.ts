import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../script/lib/run.ts';
import { type Memory, watchMemory } from './process-memory.ts';

export const root = resolve(import.meta.dirname, '..', '..');

/** An index that was made as an operator makes one, and what is needed to use it. */
export interface IndexDirectory {
  /** A temporary directory that holds everything; the index is in `directory`. */
  readonly place: string;
  readonly directory: string;
  /** Keys and root, each key under the passphrase of `environment`. */
  readonly offline: string;
  readonly token: string;
  readonly environment: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

export interface MakeOptions {
  /** For `holdfast init`: other stores than the directory. */
  readonly init?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** The command line of `holdfast`: built, or from its sources for a benchmark that itself runs from sources. */
export function holdfast(...args: string[]): string[] {
  const condition = process.execArgv.find((argument) => argument.startsWith('--conditions='));
  const program =
    condition === undefined
      ? [join(root, 'packages', 'holdfast', 'bin', 'holdfast.js')]
      : [condition, join(root, 'packages', 'holdfast', 'src', 'main.ts')];
  return [process.execPath, ...program, ...args];
}

/** One holder for root and one for targets, so that a benchmark can sign as them. */
export async function makeIndexDirectory({ init = [], environment: extra }: MakeOptions = {}): Promise<IndexDirectory> {
  const place = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const [directory, offline] = [join(place, 'index'), join(place, 'offline')];
  const environment = {
    ...process.env,
    ...extra,
    HOLDFAST_HOME: join(place, 'home'),
    HOLDFAST_PASSPHRASE: 'bench',
    HOLDFAST_OFFLINE_PASSPHRASE: 'glacial icky reprogram outrage',
  };
  const must = async (...args: string[]): Promise<string> => {
    const { code, output } = await run(holdfast(...args), environment);
    if (code !== 0) throw new Error(output);
    return output;
  };
  const alone = ['root', 'targets'].flatMap((role) => [`--${role}-keys`, '1', `--${role}-threshold`, '1']);
  await must('init', directory, '--offline-keys', offline, ...alone, ...init);
  await must('account', 'create', directory, 'bench');
  const token = /hf_[0-9A-Za-z]+/.exec(await must('token', 'create', directory, 'bench'))?.[0] ?? '';
  return { place, directory, offline, token, environment, remove: () => rm(place, { recursive: true, force: true }) };
}

export interface Imported {
  readonly seconds: number;
  readonly memory: Memory;
}

/** Fills an index with a population of so many files, as `holdfast import` does with any list. */
export async function importPopulation(
  { place, directory, environment }: IndexDirectory,
  files: number,
): Promise<Imported> {
  const writer = spawn(
    process.execPath,
    [...process.execArgv, join(root, 'bench', 'population', 'write.ts'), String(files)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [program = '', ...args] = holdfast(
    'import',
    directory,
    '-',
    '--account',
    'bench',
    '--report',
    join(place, 'problems.jsonl'),
  );
  const began = performance.now();
  const child = spawn(program, args, { env: environment, stdio: ['pipe', 'ignore', 'inherit'] });
  const memory = watchMemory(child);
  writer.stdout.pipe(child.stdin);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`holdfast import ended with ${code}`);
  return { seconds: (performance.now() - began) / 1000, memory: memory() };
}
