import { type ChildProcess, spawn } from 'node:child_process';

export interface Ran {
  readonly code: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

/** Runs a command to its end and keeps what it printed. */
export function run(command: readonly string[], environment: NodeJS.ProcessEnv, cwd?: string): Promise<Ran> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

/** Starts a command and waits for the first line of its standard output that matches. */
export function start(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
  ready: RegExp,
  options: { detached?: boolean } = {},
): Promise<{ child: ChildProcess; match: RegExpExecArray }> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.detached ?? false,
    });
    let output = '';
    const look = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const match = ready.exec(output);
      if (match) resolve({ child, match });
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${command.join(' ')} ended with ${code}:\n${output}`)));
  });
}
