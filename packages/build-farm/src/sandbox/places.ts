/** Where a build works. The same on every farm, because compilers write such paths into what they make. */
export const WORK = '/build';
export const INPUT = '/in';
/** Where its programs are. */
export const PATH = '/usr/local/bin:/usr/bin:/bin';
