import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const bin = fileURLToPath(new URL('../../../../.tools/venv/bin/', import.meta.url));
const run = promisify(execFile);

/** Runs a tool of the tests' virtual environment and gives what it printed, standard error last. */
export async function runTool(tool: string, args: readonly string[], cwd: string): Promise<string> {
  // Settings of this machine must not reach the tools: an index elsewhere, a cache, a configuration file.
  const env = {
    PATH: process.env['PATH'],
    HOME: cwd,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    UV_NO_CONFIG: '1',
    UV_PYTHON: `${bin}python`,
  };
  const { stdout, stderr } = await run(bin + tool, [...args], { cwd, env, timeout: 60_000 });
  return stdout + stderr;
}
