import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { IsolationUnavailableError } from '../errors.ts';

/** Whom the machine takes a build for. */
export interface BuildUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** There on every Linux, owns nothing, and may do nothing. */
export const DEFAULT_BUILD_USER = 'nobody';

const run = promisify(execFile);

/**
 * Whom a farm becomes before it starts a build: `undefined` for itself, when it is not root. For root the kernel keeps no limit on the
 * number of processes (`copy_process` of kernel/fork.c lets the machine's root pass it), and a build that doubles itself takes the
 * machine down: so root becomes somebody else, or nothing is built.
 * @param wanted a name or a number; as of `--build-user`
 * @throws IsolationUnavailableError
 */
export async function findBuildUser(wanted?: string, own = process.getuid?.()): Promise<BuildUser | undefined> {
  if (own !== 0) {
    if (wanted === undefined) return undefined;
    throw refused(`only root can build as another user, here ${wanted}`, 'Leave out --build-user.');
  }
  const name = wanted ?? DEFAULT_BUILD_USER;
  const user = /^\d{1,10}$/.test(name)
    ? { name, uid: Number(name), gid: Number(name) }
    : { name, uid: await idOf('-u', name), gid: await idOf('-g', name) };
  if (!isOther(user.uid) || !isOther(user.gid))
    throw refused('builds do not run as root, whom no limit on processes holds', OTHER_USER);
  await tryUser(user);
  return user;
}

/** setresuid(2): the highest number, -1, leaves one who one is. */
const isOther = (id: number): boolean => id > 0 && id < 2 ** 32 - 1;

const OTHER_USER =
  'Name a user who owns nothing with --build-user, or run the farm as a user of its own, without root.';

const refused = (reason: string, remedy: string, options?: ErrorOptions): IsolationUnavailableError =>
  new IsolationUnavailableError(reason, remedy, options);

async function idOf(option: '-u' | '-g', name: string): Promise<number> {
  try {
    const { stdout } = await run('id', [option, '--', name]);
    return Number(stdout);
  } catch (cause) {
    if (isMissing(cause)) throw refused('there is no program id', 'Install coreutils, which has it.', { cause });
    throw refused(`there is no user ${name}`, OTHER_USER, { cause });
  }
}

async function tryUser(user: BuildUser): Promise<void> {
  const [program, ...args] = [...becoming(user), 'true'];
  try {
    await run(program, args, { timeout: 60_000 });
  } catch (cause) {
    if (isMissing(cause)) throw refused('there is no program setpriv', 'Install util-linux, which has it.', { cause });
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().slice(-300) : String(cause);
    throw refused(`the farm runs as root and cannot become ${user.name}: ${said}`, OTHER_USER, { cause });
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';

/** The command line before the one that somebody else is to run. */
export const becoming = ({ uid, gid }: BuildUser): readonly string[] => [
  'setpriv',
  '--reuid',
  String(uid),
  '--regid',
  String(gid),
  '--clear-groups',
  '--',
];
