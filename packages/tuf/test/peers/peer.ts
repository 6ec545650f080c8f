import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type {
  CaseAnswer,
  CaseRequest,
  ClientAnswer,
  ClientRequest,
  MapAnswer,
  MapRequest,
  PeerRequest,
  VerifyAnswer,
  VerifyRequest,
} from './protocol.ts';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const TOOLS = '../../../../.tools';
const python = ['venv', 'peers'].map((name) => pathOf(`${TOOLS}/${name}/bin/python`)).find((path) => existsSync(path));

/** How each peer is started; `script/setup` installs them. */
export const PEER_COMMANDS = {
  'python-tuf': [python ?? 'python3', pathOf('python_tuf.py')],
  'tuf-js': [process.execPath, pathOf('tuf-js.ts')],
  'go-tuf': [pathOf(`${TOOLS}/go-tuf-peer/go-tuf-peer`)],
} as const;

export type PeerName = keyof typeof PEER_COMMANDS;
export const PEER_NAMES = ['python-tuf', 'tuf-js', 'go-tuf'] as const satisfies readonly PeerName[];

/** Another TUF client in a process of its own, which answers one request after the other. */
export class Peer {
  readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly name: string;

  constructor(name: string, command: readonly string[]) {
    const [program = '', ...args] = command;
    this.name = name;
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.process;
    if (stdout === null) throw new Error(`${name} has no stdout`);
    this.lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  static start(name: PeerName): Peer {
    return new Peer(name, PEER_COMMANDS[name]);
  }

  ask(request: CaseRequest): Promise<CaseAnswer>;
  ask(request: VerifyRequest): Promise<VerifyAnswer>;
  ask(request: ClientRequest): Promise<ClientAnswer>;
  ask(request: MapRequest): Promise<MapAnswer>;
  async ask(request: PeerRequest | MapRequest): Promise<unknown> {
    this.process.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.lines.next();
    if (line.done === true) throw new Error(`${this.name} ended`);
    const answer: unknown = JSON.parse(line.value);
    if (typeof answer === 'object' && answer !== null && 'failed' in answer)
      throw new Error(`${this.name}: ${String(answer.failed)}`);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.stdin?.end();
    await ended;
  }
}
