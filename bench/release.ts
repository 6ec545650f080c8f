import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWheel } from '../packages/index/test/support/wheel.ts';
import { run } from '../script/lib/run.ts';
import { numberArgument } from './lib/arguments.ts';
import { type Line, report } from './lib/report.ts';
import { holdfast, type ServedIndex, serveIndex } from './lib/served-index.ts';
import { median, quantile } from './lib/statistics.ts';

/**
 * A developer's release over loopback, as a person does it: one command, `holdfast upload`, in a process of its own, from its start to its
 * end, when its own installer has verified every file. The index is another process, with fsync on.
 * `release.ts [--rounds N] [--files N] [--bytes N]`
 */
const ROUNDS = numberArgument('rounds', 9);
const FILES = numberArgument('files', 20);
const BYTES = numberArgument('bytes', 200_000);
const GOAL_MS = 1_000;

const secret = 'lantern gravel orbit walnut stubborn maple cricket';
const secrets = { HOLDFAST_PHRASE: secret, HOLDFAST_KEY_PASSPHRASE: secret };

async function releases(keyArguments: readonly string[]): Promise<{ times: number[]; idle: number }> {
  const index = await serveIndex({ init: ['--model', 'legacy'] });
  const own = { HOLDFAST_HOME: join(index.place, 'developer'), HOLDFAST_TOKEN: index.token };
  const give = async (...args: string[]): Promise<number> => {
    const began = performance.now();
    const { code, output } = await run(holdfast(...args), { ...index.environment, ...own, ...secrets }, index.place);
    if (code !== 0) throw new Error(`holdfast ${args.join(' ')}: ${output}`);
    return performance.now() - began;
  };
  await give('trust', 'add', 'bench', index.url, '--root', index.rootFile);
  await give('key', 'create', 'bench', ...keyArguments);
  await give('account', 'add-key', 'bench');
  // The first one claims the project, and is not counted.
  await give('upload', ...(await build(index, '0')));
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) times.push(await give('upload', ...(await build(index, `${round}`))));
  const idle = await give('key', 'list');
  await index.stop();
  return { times, idle };
}

/** Wheels that cannot be compressed, for as many platforms. */
async function build({ place }: ServedIndex, version: string): Promise<readonly string[]> {
  const directory = join(place, 'dist');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  return Promise.all(
    Array.from({ length: FILES }, async (_, at) => {
      const padding = randomBytes(BYTES);
      const { filename, bytes } = makeWheel({ name: 'release', version, extra: [['release.bin', padding]] });
      const path = join(directory, filename.replace('any.whl', `linux_${at}.whl`));
      await writeFile(path, bytes);
      return path;
    }),
  );
}

const file = await releases(['--file', 'release.key']);
const phrase = await releases(['--phrase']);
const line = (what: string, values: readonly number[], share: number, hasGoal = false): Line => {
  const value = quantile(values, share);
  const goal = hasGoal && { goal: `≤ ${GOAL_MS} ms`, met: value <= GOAL_MS };
  return { what, value: `${value.toFixed(0)} ms`, ...goal };
};
report(
  'A release, from command to verified visibility',
  `${FILES} wheels of ${BYTES / 1000} kB, ${ROUNDS} releases of one project that is claimed, loopback`,
  [
    line('key in an encrypted file, median', file.times, 0.5, true),
    line('key in an encrypted file, worst', file.times, 1),
    // Most of it makes the key from the phrase, which is to be slow (docs/formats/secret-phrase.md).
    line('key from a secret phrase, median', phrase.times, 0.5),
    line('key from a secret phrase, worst', phrase.times, 1),
    { what: 'of it, a command that does nothing', value: `${median([file.idle, phrase.idle]).toFixed(0)} ms` },
  ],
);
