import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Where `script/setup` puts the Python tools that tests use. */
const BIN = join(import.meta.dirname, '../../../../.tools/venv/bin');

export type Tool = 'flit' | 'hatch' | 'pdm' | 'pip' | 'poetry' | 'python' | 'twine' | 'uv';

export interface Finished {
  readonly status: number | null;
  /** Standard output and error, as they came. */
  readonly output: string;
}

/** A directory of its own for a test. */
export async function temporaryDirectory(t: TestContext, name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `holdfast-${name}-`));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Runs a real Python tool in a directory that is its home too: no configuration, cache or keyring of this machine plays a
 * part, and nothing is asked for at a terminal.
 */
export function runTool(
  tool: Tool,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Finished> {
  const child = spawn(join(BIN, tool), args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${BIN}:/usr/bin:/bin`,
      HOME: cwd,
      XDG_CONFIG_HOME: join(cwd, '.config'),
      XDG_CACHE_HOME: join(cwd, '.cache'),
      XDG_DATA_HOME: join(cwd, '.local'),
      PYTHON_KEYRING_BACKEND: 'keyring.backends.null.Keyring',
      PYTHONDONTWRITEBYTECODE: '1',
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      PIP_CONFIG_FILE: '/dev/null',
      PDM_CHECK_UPDATE: 'false',
      NO_COLOR: '1',
      COLUMNS: '500',
      ...env,
    },
  });
  return new Promise((resolve, reject) => {
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}
