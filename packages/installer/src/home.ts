import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * Where this user's trust and verified files are kept: `$HOLDFAST_HOME`, or `holdfast` in the XDG data directory.
 * (A relative XDG_DATA_HOME is to be ignored, says the XDG base directory specification.)
 */
export function holdfastHome(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment['HOLDFAST_HOME'];
  if (own) return resolve(own);
  const xdg = environment['XDG_DATA_HOME'];
  const data = xdg && isAbsolute(xdg) ? xdg : join(environment['HOME'] ?? homedir(), '.local', 'share');
  return join(data, 'holdfast');
}

export const trustDirectory = (home: string): string => join(home, 'trust');
export const filesDirectory = (home: string): string => join(home, 'files');
