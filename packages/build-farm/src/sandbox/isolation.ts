import { existsSync } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import type { BuildPython } from '../build/python.ts';
import { IsolationUnavailableError } from '../errors.ts';
import { type BuildUser, findBuildUser } from './build-user.ts';
import { INPUT, SHARED, SHARED_BYTES, WORK } from './places.ts';
import { tryIsolation } from './trial.ts';
import { viewFor } from './view.ts';

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
  /** Whom the machine takes builds for; `undefined`: for the farm itself. */
  readonly user: BuildUser | undefined;
  /** The command line that runs another one shut in; `undefined` for none. */
  wrap(
    command: readonly string[],
    environment: ReadonlyMap<string, string>,
    surroundings: Surroundings,
  ): Promise<string[]>;
}

/**
 * Bubblewrap, once it has shown on this machine, with this Python, that it can do all that builds need. Root starts it as somebody else.
 * @throws IsolationUnavailableError
 */
export async function bubblewrapIsolation({
  python,
  buildUser,
  program = 'bwrap',
}: BubblewrapOptions): Promise<Isolation> {
  if (process.platform !== 'linux')
    throw new IsolationUnavailableError('it needs namespaces, which Linux has', 'Run the farm on Linux.');
  const user = await findBuildUser(buildUser);
  const isolation: Isolation = { kind: 'bubblewrap', user, wrap: (...all) => bubblewrapped({ program, user }, ...all) };
  await tryIsolation(isolation, python);
  return isolation;
}

export interface BubblewrapOptions {
  /** What builds are made with. */
  readonly python: BuildPython;
  /** Whom builds run as when the farm is root: a name or a number; `nobody` unless given. */
  readonly buildUser?: string | undefined;
  readonly program?: string;
}

/**
 * UNSAFE: the build can read and change all that the farm's user can, its keys among them. Not for root, whom the kernel lets start
 * processes without end.
 * @throws IsolationUnavailableError
 */
export function noIsolation(own = process.getuid?.()): Isolation {
  if (own === 0)
    throw new IsolationUnavailableError(
      'the farm runs as root, for whom nothing limits the processes of a build without isolation',
      'Run the farm as a user of its own, without root.',
    );
  return { kind: 'none', user: undefined, wrap: async (command) => [...command] };
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
/** Ways into the kernel that root has by its number alone. Builds never run as root; these stay shut all the same. */
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

async function bubblewrapped(
  { program, user }: { readonly program: string; readonly user: BuildUser | undefined },
  command: readonly string[],
  environment: ReadonlyMap<string, string>,
  { readable, input, diskBytes, network }: Surroundings,
): Promise<string[]> {
  const settings = [...SETTINGS, ...(network ? NETWORK_SETTINGS : [])];
  const own = readable.filter((path) => path !== '/usr' && !path.startsWith('/usr/'));
  const view = viewFor(user, program, [input, ...own]);
  const [inputSource = '', ...ownSources] = view.sources;
  const parts: readonly (readonly string[])[] = [
    [...view.command, program],
    [...NAMESPACES, ...(network ? [] : ['--unshare-net']), ...USER, ...LIFE],
    Array.from(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ['--ro-bind', '/usr', '/usr', ...(await systemDirectories())],
    settings.flatMap((path) => ['--ro-bind-try', path, path]),
    ['passwd', 'group'].flatMap((name) => ['--ro-bind-try', `${inputSource}/${name}`, `/etc/${name}`]),
    ['--ro-bind', inputSource, INPUT, '--proc', '/proc', '--dev', '/dev'],
    READ_ONLY.flatMap((path) => ['--ro-bind-try', path, path]),
    HIDDEN.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
    SHARED.flatMap((path) => ['--size', String(SHARED_BYTES), '--tmpfs', path]),
    ['--size', String(diskBytes), '--tmpfs', WORK],
    ownSources.flatMap((source, at) => ['--ro-bind', source, own[at] ?? '']),
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
