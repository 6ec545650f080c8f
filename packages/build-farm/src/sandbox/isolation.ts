import { existsSync } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { IsolationUnavailableError } from '../errors.ts';

/** What a build sees of the machine. Paths are the same inside and outside, except those named here. */
export interface Surroundings {
  /** Directories that are readable in their own place, such as that of Python. */
  readonly readable: readonly string[];
  /** Seen as /in, not writable. */
  readonly input: string;
  /** What the build writes lies in memory and is gone with it; this much of it. Bytes. */
  readonly diskBytes: number;
  readonly network: boolean;
}

/** How builds are kept from the machine that they run on. */
export interface Isolation {
  readonly kind: 'bubblewrap' | 'none';
  /** The command line that runs another one shut in; `undefined` for none. */
  wrap(
    command: readonly string[],
    environment: ReadonlyMap<string, string>,
    surroundings: Surroundings,
  ): Promise<string[]>;
}

/** Where a build works. The same on every farm, because compilers write such paths into what they make. */
export const WORK = '/build';
export const INPUT = '/in';

const run = promisify(execFile);

/**
 * Bubblewrap, once it has shown on this machine that it can do all that builds need.
 * @throws IsolationUnavailableError
 */
export async function bubblewrapIsolation(program = 'bwrap'): Promise<Isolation> {
  if (process.platform !== 'linux')
    throw new IsolationUnavailableError('it needs namespaces, which Linux has', 'Run the farm on Linux.');
  const isolation: Isolation = { kind: 'bubblewrap', wrap: async (...all) => [program, ...(await wrapped(...all))] };
  const trial = { readable: [], input: '/usr', diskBytes: 1 << 20, network: false };
  const [first = '', ...args] = await isolation.wrap(['true'], new Map([['PATH', PATH]]), trial);
  try {
    await run(first, args, { env: { PATH: process.env['PATH'] ?? PATH }, timeout: 60_000 });
  } catch (cause) {
    throw unavailable(cause);
  }
  return isolation;
}

/** UNSAFE: the build can read and change all that the farm's user can, its keys among them. */
export const noIsolation: Isolation = { kind: 'none', wrap: async (command) => [...command] };

export const PATH = '/usr/local/bin:/usr/bin:/bin';

function unavailable(cause: unknown): IsolationUnavailableError {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  if (missing)
    return new IsolationUnavailableError(
      'there is no program bwrap',
      'Install bubblewrap (on Debian and Fedora the package "bubblewrap").',
      { cause },
    );
  const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().slice(-300) : String(cause);
  return new IsolationUnavailableError(
    `bubblewrap says: ${said}`,
    'Let this user make user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns; a container needs ' +
      'a seccomp profile that allows them), or run the farm in a virtual machine of its own.',
    { cause },
  );
}

const NAMESPACES = ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'];
/** The one user there is, who may not make further namespaces and dies with the farm. */
const USER = ['--disable-userns', '--uid', '1000', '--gid', '1000', '--hostname', 'build', '--cap-drop', 'ALL'];
const LIFE = ['--die-with-parent', '--new-session', '--clearenv'];
/** What programs are linked with and chosen by. Nothing else of /etc, where secrets are. */
const SETTINGS = ['/etc/ld.so.cache', '/etc/alternatives'];
const NETWORK_SETTINGS = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/ssl',
  '/etc/pki',
  '/etc/ca-certificates',
];
/** Ways into the kernel that root has by its number alone, which it keeps in a namespace: for farms that run as root all the same. */
const READ_ONLY = [
  '/proc/sys',
  '/proc/sysrq-trigger',
  '/proc/irq',
  '/proc/bus',
  '/proc/fs',
  '/proc/scsi',
  '/proc/acpi',
];
const HIDDEN = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/kmsg',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/latency_stats',
];
/** For programs that write there whatever TMPDIR says. */
const SHARED = ['/tmp', '/dev/shm'];
const SHARED_BYTES = 64 * 1024 ** 2;

async function wrapped(
  command: readonly string[],
  environment: ReadonlyMap<string, string>,
  { readable, input, diskBytes, network }: Surroundings,
): Promise<string[]> {
  const settings = [...SETTINGS, ...(network ? NETWORK_SETTINGS : [])];
  const own = readable.filter((path) => path !== '/usr' && !path.startsWith('/usr/'));
  const parts: readonly (readonly string[])[] = [
    [...NAMESPACES, ...(network ? [] : ['--unshare-net']), ...USER, ...LIFE],
    Array.from(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ['--ro-bind', '/usr', '/usr', ...(await systemDirectories())],
    settings.flatMap((path) => ['--ro-bind-try', path, path]),
    ['passwd', 'group'].flatMap((name) => ['--ro-bind-try', `${input}/${name}`, `/etc/${name}`]),
    ['--ro-bind', input, INPUT, '--proc', '/proc', '--dev', '/dev'],
    READ_ONLY.flatMap((path) => ['--ro-bind-try', path, path]),
    HIDDEN.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
    SHARED.flatMap((path) => ['--size', String(SHARED_BYTES), '--tmpfs', path]),
    ['--size', String(diskBytes), '--tmpfs', WORK],
    own.flatMap((path) => ['--ro-bind', path, path]),
    ['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', WORK, '--'],
  ];
  return [...parts.flat(), ...command];
}

/** Links into /usr, or directories of their own on older systems. */
async function systemDirectories(): Promise<string[]> {
  const found: string[] = [];
  for (const path of ['/bin', '/sbin', '/lib', '/lib32', '/lib64']) {
    const status = await lstat(path).catch(() => undefined);
    if (status?.isSymbolicLink() === true) found.push('--symlink', await readlink(path), path);
    else if (status?.isDirectory() === true && (await stat(path)).isDirectory()) found.push('--ro-bind', path, path);
  }
  return found;
}
