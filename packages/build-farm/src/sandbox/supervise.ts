import { type ChildProcess, spawn } from 'node:child_process';
import { BuildLimitError } from '../errors.ts';
import type { ControlGroup } from './control-group.ts';
import { Excerpt } from './excerpt.ts';
import type { BuildLimits } from './limits.ts';
import { OF_THE_SANDBOX } from './places.ts';
import { measureTree } from './process-tree.ts';

/** A program, its arguments, and everything it is told. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Made for it, and removed by whoever made it. */
  readonly group?: ControlGroup | undefined;
}

export interface Supervised {
  /** 128 + n after signal n. */
  readonly code: number;
  readonly output: Buffer;
  /** What it said on standard error; of much, the beginning and the end. */
  readonly log: string;
}

const LOOK_MS = 200;
/** Above the wheel: the line before it. */
const OUTPUT_MORE = 1 << 20;

/**
 * Runs a program in a process group of its own, within limits. Whatever happens, nothing of the group is left when this returns.
 * @throws BuildLimitError
 */
export async function supervise(command: Command, limits: BuildLimits, signal?: AbortSignal): Promise<Supervised> {
  const { group } = command;
  const plain = [command.program, ...command.args];
  const [program = '', ...args] = group ? group.wrap(plain) : plain;
  const child = spawn(program, args, {
    cwd: command.directory,
    env: { ...command.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let exceeded: [limit: string, allowed: string] | undefined;
  const end = (limit: string, allowed: string): void => {
    exceeded ??= [limit, allowed];
    killGroup(child);
  };
  const output = new Collected(limits.wheelBytes + OUTPUT_MORE, () => end('output', bytes(limits.wheelBytes)));
  const log = new Excerpt(limits.logBytes, () => end('log', bytes(limits.logBytes)));
  child.stdout.on('data', (piece: Buffer) => output.add(piece));
  child.stderr.on('data', (piece: Buffer) => log.add(piece));
  const timer = setTimeout(() => end('time', `${limits.seconds} s`), limits.seconds * 1000);
  const watch = watchTree(child, limits, end);
  const abort = (): void => killGroup(child);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  try {
    const code = await exitOf(child);
    signal?.throwIfAborted();
    if (await group?.ranOutOfMemory()) exceeded ??= ['memory', bytes(limits.memoryBytes)];
    if (exceeded) throw new BuildLimitError(...exceeded, log.text);
    return { code, output: output.bytes, log: log.text };
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal?.removeEventListener('abort', abort);
    if (child.exitCode === null && child.signalCode === null) killGroup(child);
  }
}

/** How long the last words of what outlived the first process are waited for. */
const LAST_WORDS_MS = 5000;

/**
 * Waits for the pipes too: the last words count. What keeps them open after the first process has ended is killed; what got out of the
 * group of processes, which it can without isolation only, is not heard any more.
 */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let deaf: NodeJS.Timeout | undefined;
    child.once('error', reject);
    child.once('exit', () => {
      killGroup(child);
      deaf = setTimeout(() => [child.stdout, child.stderr].forEach((pipe) => pipe?.destroy()), LAST_WORDS_MS);
    });
    child.once('close', (code, signal) => {
      clearTimeout(deaf);
      resolve(code ?? 128 + signalNumber(signal));
    });
  });
}

const signalNumber = (signal: NodeJS.Signals | null): number => (signal === 'SIGKILL' ? 9 : 15);

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nobody is left of the group.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function watchTree(
  { pid }: ChildProcess,
  { memoryBytes, processes }: BuildLimits,
  end: (limit: string, allowed: string) => void,
): NodeJS.Timeout {
  let looking = false;
  const look = async (): Promise<void> => {
    const size = await measureTree(pid ?? -1);
    if (size.memoryBytes > memoryBytes) end('memory', bytes(memoryBytes));
    if (size.processes > processes + OF_THE_SANDBOX) end('processes', String(processes));
  };
  return setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => (looking = false));
  }, LOOK_MS);
}

const bytes = (count: number): string => `${Math.round(count / 1024 ** 2)} MiB`;

class Collected {
  readonly #pieces: Buffer[] = [];
  readonly #most: number;
  readonly #tooMuch: () => void;
  #length = 0;

  constructor(most: number, tooMuch: () => void) {
    this.#most = most;
    this.#tooMuch = tooMuch;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#most) this.#tooMuch();
    else this.#pieces.push(piece);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
