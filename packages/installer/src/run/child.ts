import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ToolMissingError } from '../errors.ts';

const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/**
 * Runs a program on this terminal and returns its exit code (128 + n after signal n, as shells count). Signals are passed
 * on; SIGINT and SIGQUIT from a terminal reach the whole foreground group by themselves, so we only wait then.
 * @throws ToolMissingError
 */
export async function runChild(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  directory: string,
): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: environment, cwd: directory });
  const forward = (signal: NodeJS.Signals): void => {
    const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY;
    if (!fromTerminal) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (cause) => reject(new ToolMissingError(program, { cause })));
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}
