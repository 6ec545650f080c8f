import { type ChildProcess, spawn } from 'node:child_process';
import { BuildLimitError } from '../errors.ts';
import type { BuildLimits } from './limits.ts';
import { measureTree } from './process-tree.ts';

/** A program, its arguments, and everything it is told. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

export interface Supervised {
  /** 128 + n after signal n. */
  readonly code: number;
  readonly output: Buffer;
  /** The end of what it said on standard error. */
  readonly log: string;
}

const KEPT_LOG = 64 * 1024;
const LOOK_MS = 200;
/** What shuts a build in is no part of it, and the kernel, which comes first, counts less of it than is seen here. */
const OF_THE_SANDBOX = 8;
/** Above the wheel: the line before it. */
const OUTPUT_MORE = 1 << 20;

/**
 * Runs a program in a process group of its own, within limits. Whatever happens, nothing of the group is left when this returns.
 * @throws BuildLimitError
 */
export async function supervise(command: Command, limits: BuildLimits, signal?: AbortSignal): Promise<Supervised> {
  const child = spawn(command.program, command.args, {
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
  const log = new Tail(limits.logBytes, () => end('log', bytes(limits.logBytes)));
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
    if (exceeded) throw new BuildLimitError(...exceeded, log.text);
    return { code, output: output.bytes, log: log.text };
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal?.removeEventListener('abort', abort);
    if (child.exitCode === null && child.signalCode === null) killGroup(child);
  }
}

/** Waits for the pipes too: the last words count. What keeps them open after the first process has ended is killed. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => killGroup(child));
    child.once('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
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

class Tail {
  #kept = Buffer.alloc(0);
  #length = 0;
  readonly #most: number;
  readonly #tooMuch: () => void;

  constructor(most: number, tooMuch: () => void) {
    this.#most = most;
    this.#tooMuch = tooMuch;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    this.#kept = Buffer.concat([this.#kept, piece]).subarray(-KEPT_LOG);
    if (this.#length > this.#most) this.#tooMuch();
  }

  get text(): string {
    return this.#kept.toString('utf8');
  }
}
