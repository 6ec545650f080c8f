import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The Python tools that script/setup installs. */
export const tools = fileURLToPath(new URL('../../../.tools/venv/bin/', import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts one of the scripts beside this file with the project's own Node. */
export function start(script: string, args: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const flags = ['--conditions=holdfast-source', '--no-warnings'];
  return spawn(process.execPath, [...flags, path, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Waits for the end of a process and collects what it wrote. */
export async function finish(child: ChildProcess): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? -1, signal, ...output }));
  });
}

/** A small, clean environment whose caches and configuration lie in the given directory. */
export function cleanEnvironment(directory: string): NodeJS.ProcessEnv {
  return {
    PATH: `${tools}:/usr/bin:/bin`,
    HOME: directory,
    PIP_CACHE_DIR: `${directory}/pip-cache`,
    UV_CACHE_DIR: `${directory}/uv-cache`,
    UV_PYTHON: `${tools}python`,
    UV_PYTHON_DOWNLOADS: 'never',
    LC_ALL: 'C.UTF-8',
  };
}
