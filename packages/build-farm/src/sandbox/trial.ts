import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { IsolationUnavailableError } from '../errors.ts';
import type { BuildPython } from '../build/python.ts';
import type { Isolation } from './isolation.ts';
import { PATH } from './places.ts';

/**
 * Uses what builds use, then starts a few more processes than it lets itself have: 32 at most, which end with the sandbox. Whether the
 * kernel keeps that limit depends on who runs this and in which namespaces, so it is asked and not concluded.
 */
const PROBE = `
import os, resource, time
import build, pip
resource.setrlimit(resource.RLIMIT_NPROC, (8, 8))
for started in range(32):
    try:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    except OSError:
        print("limited")
        break
`;

const run = promisify(execFile);

/**
 * Makes sure that this machine can shut builds in: with this Python, and with a limit on processes that holds.
 * @throws IsolationUnavailableError
 */
export async function tryIsolation(isolation: Isolation, python: BuildPython): Promise<void> {
  const input = await mkdtemp(join(tmpdir(), 'holdfast-trial-'));
  try {
    await chmod(input, 0o755);
    const surroundings = { readable: python.directories, input, diskBytes: 1 << 20, network: false };
    const inner = [python.executable, '-I', '-c', PROBE];
    const [program = '', ...args] = await isolation.wrap(inner, new Map([['PATH', PATH]]), surroundings);
    const { stdout } = await run(program, args, { env: { PATH: process.env['PATH'] ?? PATH }, timeout: 60_000 });
    if (stdout.trim() !== 'limited') throw unlimited();
  } catch (cause) {
    if (cause instanceof IsolationUnavailableError) throw cause;
    throw unavailable(cause, isolation, python);
  } finally {
    await rm(input, { recursive: true });
  }
}

const unlimited = (): IsolationUnavailableError =>
  new IsolationUnavailableError(
    'the kernel keeps no limit on the number of processes of a build',
    'Run the farm as a user of its own, without root.',
  );

function unavailable(cause: unknown, { user }: Isolation, { executable }: BuildPython): IsolationUnavailableError {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  if (missing)
    return new IsolationUnavailableError(
      'there is no program bwrap',
      'Install bubblewrap (on Debian and Fedora the package "bubblewrap").',
      { cause },
    );
  const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().slice(-300) : String(cause);
  if (/^Traceback|execvp/m.test(said))
    return new IsolationUnavailableError(
      `${executable} does not run in the sandbox: ${said}`,
      `Its files must be readable by ${user?.name ?? 'this user'} (chmod -R a+rX on its directory), and it must have pip and build.`,
      { cause },
    );
  return new IsolationUnavailableError(
    `bubblewrap says: ${said}`,
    `Let ${user?.name ?? 'this user'} make user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, ` +
      'kernel.apparmor_restrict_unprivileged_userns; a container needs a seccomp profile that allows them), or run the farm in a ' +
      'virtual machine of its own.',
    { cause },
  );
}
