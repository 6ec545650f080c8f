import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../script/lib/run.ts';
import { report } from './lib/report.ts';
import { clients, holdfast, serveIndex } from './lib/served-index.ts';
import { median } from './lib/statistics.ts';

/**
 * A verified `holdfast pip install` of a closure of about 30 packages, beside a plain `pip install` from the same index, in turns. Cold: no
 * pip cache, no verified files, no metadata. Warm: both have installed the same before. Each into an empty directory.
 * `install.ts [ROUNDS [ROUND_TRIP_MS]]`
 */
const ROUNDS = Number(process.argv[2] ?? 5);
const ROUND_TRIP_MS = Number(process.argv[3] ?? 30);
const WANTED = ['sphinx', 'jinja2', 'flask', 'rich'];

const index = await serveIndex({ roundTripMs: ROUND_TRIP_MS });
const dist = join(index.place, 'dist');
await mkdir(dist);
const pip = join(clients, 'pip');
const downloaded = await run([pip, 'download', '--quiet', '--dest', dist, ...WANTED], process.env);
if (downloaded.code !== 0) throw new Error(downloaded.output);
const files = await readdir(dist);
await must(
  [
    join(clients, 'twine'),
    'upload',
    '--disable-progress-bar',
    '--repository-url',
    `${index.url}/legacy/`,
    ...files.map((file) => join(dist, file)),
  ],
  { TWINE_USERNAME: '__token__', TWINE_PASSWORD: index.token },
);
const home = join(index.place, 'home');
const root = index.rootFile;

const times = {
  cold: { plain: [] as number[], verified: [] as number[] },
  warm: { plain: [] as number[], verified: [] as number[] },
};
for (let round = 0; round < ROUNDS; round++) {
  for (const state of ['cold', 'warm'] as const) {
    for (const kind of round % 2 === 0 ? (['plain', 'verified'] as const) : (['verified', 'plain'] as const)) {
      times[state][kind].push(await install(kind, state));
    }
  }
}
await index.stop();

const line = (state: 'cold' | 'warm', goal: number): { what: string; value: string; goal: string; met: boolean } => {
  const ratios = times[state].verified.map((time, round) => time / (times[state].plain[round] ?? Number.NaN));
  const ratio = median(ratios);
  return { what: `verified ÷ plain, ${state}`, value: ratio.toFixed(3), goal: `≤ ${goal}`, met: ratio <= goal };
};
const seconds = (values: readonly number[]): string => `${(median(values) / 1000).toFixed(2)} s`;
report(
  'pip install',
  `${files.length} packages, medians of ${ROUNDS} rounds, a link with a round trip of ${ROUND_TRIP_MS} ms`,
  [
    { what: 'plain, cold', value: seconds(times.cold.plain) },
    { what: 'verified, cold', value: seconds(times.cold.verified) },
    line('cold', ROUND_TRIP_MS > 0 ? 1.05 : 1.15),
    { what: 'plain, warm', value: seconds(times.warm.plain) },
    { what: 'verified, warm', value: seconds(times.warm.verified) },
    line('warm', ROUND_TRIP_MS > 0 ? 1 : 1.05),
  ],
);

/** Milliseconds that one installation takes, as a whole process. */
async function install(kind: 'plain' | 'verified', state: 'cold' | 'warm'): Promise<number> {
  const cache = join(index.place, `cache-${kind}`);
  const target = join(index.place, 'target');
  await rm(target, { recursive: true, force: true });
  if (state === 'cold') {
    await rm(cache, { recursive: true, force: true });
    if (kind === 'verified') {
      await rm(home, { recursive: true, force: true });
      await must(holdfast('trust', 'add', 'bench', index.url, '--root', root), {});
    }
  }
  const environment = {
    PATH: `${clients}:${process.env['PATH'] ?? ''}`,
    PIP_CACHE_DIR: cache,
    PIP_FIND_LINKS: undefined,
  };
  const args = ['install', '--quiet', '--target', target, ...WANTED];
  const command = kind === 'plain' ? [pip, ...args, '--index-url', `${index.url}/simple/`] : holdfast('pip', ...args);
  const began = performance.now();
  await must(command, environment);
  return performance.now() - began;
}

async function must(command: readonly string[], extra: NodeJS.ProcessEnv): Promise<void> {
  const { code, output } = await run(command, { ...index.environment, ...extra });
  if (code !== 0) throw new Error(`${command.join(' ')}\n${output}`);
}
