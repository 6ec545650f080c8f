import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type IndexClient, startProxy } from '@holdfast/installer';
import { BuildLimitError, BuildRequirementsError } from '../errors.ts';
import { PATH } from '../sandbox/places.ts';
import type { BuildLimits } from '../sandbox/limits.ts';
import { supervise } from '../sandbox/supervise.ts';
import type { BuildPython } from './python.ts';
import { checkRequirements } from './requirements.ts';

export interface Wanted {
  readonly requirements: readonly string[];
  /** Files that the index got later than this do not count, so that two farms choose the same ones at different times. */
  readonly before: Date;
  /** A directory for the wheels; emptied by nobody. */
  readonly into: string;
  /** A directory for what pip writes on the way. */
  readonly scratch: string;
}

/** Nothing of the user's own settings, no sources that would have to be built, and no second tries: the proxy makes those. */
const PIP = [
  ['-I', '-m', 'pip', 'download', '--isolated', '--no-input', '--disable-pip-version-check', '--no-cache-dir'],
  ['--progress-bar', 'off', '--retries', '0', '--timeout', '600', '--only-binary', ':all:'],
].flat();

/**
 * Fetches the wheels of build requirements, and of what they require, with real pip through the verifying proxy. No code of
 * anyone runs: wheels only. Files that signed metadata does not list are never seen by pip.
 * @throws BuildRequirementsError, BuildLimitError
 */
export async function fetchRequirements(
  client: IndexClient,
  python: BuildPython,
  { requirements, before, into, scratch }: Wanted,
  limits: BuildLimits,
  signal?: AbortSignal,
): Promise<void> {
  checkRequirements(requirements);
  await mkdir(scratch, { recursive: true });
  const proxy = await startProxy({ clients: [client] });
  try {
    const source = ['--proxy', proxy.url, '--index-url', proxy.indexUrl(client.name)];
    const args = [
      ...PIP,
      ...source,
      '--uploaded-prior-to',
      before.toISOString(),
      '--dest',
      into,
      '--',
      ...requirements,
    ];
    const environment = { PATH, HOME: scratch, TMPDIR: scratch, LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' };
    const command = { program: python.executable, args, environment, directory: scratch };
    const { code, log } = await supervise(command, limits, signal).catch((error: unknown) => {
      if (error instanceof BuildLimitError) throw error;
      throw new BuildRequirementsError(requirements, 'pip could not be run', '', { cause: error });
    });
    const [refusal] = proxy.refusals;
    if (refusal)
      throw new BuildRequirementsError(requirements, refusal.explanation.sentence, log, { cause: refusal.error });
    if (code !== 0) throw new BuildRequirementsError(requirements, lastError(log), log);
  } finally {
    await proxy.close();
  }
}

export const wheelsDirectory = (job: string): string => join(job, 'in', 'wheels');

/** pip's own last word. */
function lastError(log: string): string {
  const lines = log.split('\n').filter((line) => line.startsWith('ERROR: '));
  return lines.at(-1)?.slice('ERROR: '.length, 500) ?? 'pip could not fetch them';
}
