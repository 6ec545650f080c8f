import { becoming, type BuildUser } from './build-user.ts';

/** Where root lays out what the build's user is to read. A directory of every Linux, over which nothing of the machine's own is put. */
const SHELF = '/mnt';

/** What comes before the sandbox when root starts it, and where the sandbox finds its sources then. */
export interface View {
  readonly command: readonly string[];
  /** In the order of the sources given. */
  readonly sources: readonly string[];
}

/**
 * The build's user makes the sandbox, and cannot look into directories such as /root, where a Python may be, or a job's own. So root first
 * gives it a view of the machine, in a mount namespace of its own, in which they lie on a shelf. No code of others runs in that view.
 * It is a process namespace too: bubblewrap has given up its capabilities when a killed farm ends it, and without them root's processes
 * can end nobody else's; the end of a namespace ends all in it. Its /proc
 * stays the machine's, which is whole, as Linux asks of whoever makes another one inside.
 */
export function viewFor(user: BuildUser | undefined, program: string, sources: readonly string[]): View {
  if (!user) return { command: [], sources };
  const shelf = sources.map((_, at) => `${SHELF}/${at}`);
  const binds = sources.flatMap((source, at) => ['--ro-bind', source, `${SHELF}/${at}`]);
  const view = ['--dev-bind', '/', '/', '--unshare-pid', '--tmpfs', SHELF, ...binds, '--chdir', '/'];
  return { command: [program, ...view, '--die-with-parent', '--', ...becoming(user)], sources: shelf };
}
