/** Where a build works. The same on every farm, because compilers write such paths into what they make. */
export const WORK = '/build';
export const INPUT = '/in';
/** Where its programs are. */
export const PATH = '/usr/local/bin:/usr/bin:/bin';
/** For programs that write there whatever TMPDIR says. */
export const SHARED: readonly string[] = ['/tmp', '/dev/shm'];
export const SHARED_BYTES = 64 * 1024 ** 2;
/** Processes that shut a build in and are no part of it. */
export const OF_THE_SANDBOX = 8;
