import { setTimeout as wait } from 'node:timers/promises';
import { run } from '../script/lib/run.ts';
import { filesArgument, numberArgument } from './lib/arguments.ts';
import { diskBytes } from './lib/disk.ts';
import { importPopulation, makeIndexDirectory } from './lib/index-directory.ts';
import { memoryOf } from './lib/process-memory.ts';
import { type Line, report } from './lib/report.ts';
import { saveResult } from './lib/results.ts';
import { serveDirectory, serveIndex } from './lib/served-index.ts';
import { quantile } from './lib/statistics.ts';
import { measurePublishing, type Published, UPLOADERS } from './publish/measure.ts';
import { Population } from './population/population.ts';
import { measureLookups } from './scale/lookups.ts';
import { resignEverything } from './scale/resign.ts';
import { measureWire } from './scale/wire.ts';

/**
 * One index of a given size, from its import to the day when its key is replaced: `scale.ts [--files N] [--uploads N] [--beside N] [--record]`.
 * Publishing is compared with an index of `--beside` files (10 000) that the same run makes.
 */
const files = filesArgument();
const beside = numberArgument('beside', 10_000);
const uploads = numberArgument('uploads', 1_000);
/** The goals speak of 20 million files; smaller runs show how it grows. */
const full = files >= 20_000_000;
const GB = 1e9;

const small = await publishingOn(beside);
const population = new Population(files);
const made = await makeIndexDirectory();
const imported = await importPopulation(made, files);
progress('imported', imported);
// What the import wrote last is still on its way to the disk, and every later fsync would wait for it.
await run(['sync'], process.env);
const bytes = diskBytes(made.directory);
const served = await serveDirectory(made);
await wait(2_000);
const idle = memoryOf(served.pid);
const lookups = await measureLookups(served, population);
const wire = await measureWire(served, population);
progress('read', { idle, lookups });
const published = await measurePublishing(served, uploads);
const busy = memoryOf(served.pid);
progress('published', { busy, ...summary(published) });
await served.stop();
const again = await serveDirectory(made);
await again.stop();
const signed = await resignEverything(made);
await made.remove();

const [p50, p99] = [ratio(0.5), ratio(0.99)];
report(
  'One index',
  `${files} files in ${population.projects} projects; ${UPLOADERS} uploaders, the load on the same cores`,
  [
    limit('import and first signing', minutes(imported.seconds), '≤ 30 min', imported.seconds <= 1_800),
    limit('import, peak memory', gigabytes(imported.memory.peak), '≤ 4 GB', imported.memory.peak <= 4 * GB),
    { what: 'disk, without distributions', value: gigabytes(bytes) },
    { what: 'start', value: `${served.startSeconds.toFixed(1)} s` },
    { what: 'start after publishing', value: `${again.startSeconds.toFixed(1)} s` },
    limit('server memory, after start', gigabytes(idle?.now ?? 0), '≤ 1.5 GB', (idle?.now ?? 0) <= 1.5 * GB),
    limit('server memory, peak under load', gigabytes(busy?.peak ?? 0), '≤ 1.5 GB', (busy?.peak ?? 0) <= 1.5 * GB),
    limit('lookups, proof only', `${lookups.proofs.toFixed(0)}/s`, '≥ 10000/s', lookups.proofs >= 10_000),
    { what: 'lookups, a new project each', value: `${lookups.lookups.toFixed(0)}/s` },
    { what: 'lookups, by popularity', value: `${lookups.popular.toFixed(0)}/s` },
    ...wire.map(({ what, requests, body, head }) => ({
      what: `${what} (${requests} requests, ${head.toFixed(0)} B of headers more)`,
      value: `${(body / 1000).toFixed(2)} kB`,
    })),
    { what: `publish p50, ${beside} files`, value: `${quantile(small.burst, 0.5).toFixed(1)} ms` },
    { what: `publish p99, ${beside} files`, value: `${quantile(small.burst, 0.99).toFixed(1)} ms` },
    { what: 'publish p50', value: `${quantile(published.burst, 0.5).toFixed(1)} ms` },
    { what: 'publish p99', value: `${quantile(published.burst, 0.99).toFixed(1)} ms` },
    limit('p50 ÷ p50 of the small one', p50.toFixed(2), '≤ 1.5', p50 <= 1.5),
    limit('p99 ÷ p99 of the small one', p99.toFixed(2), '≤ 1.5', p99 <= 1.5),
    { what: 'sustained', value: `${published.rate.toFixed(0)}/s` },
    limit('sign everything anew', minutes(signed.seconds), '≤ 10 min', signed.seconds <= 600),
    limit('the same, peak memory', gigabytes(signed.memory.peak), '≤ 4 GB', signed.memory.peak <= 4 * GB),
  ],
);
await saveResult('scale', files, {
  import: imported,
  bytes,
  startSeconds: served.startSeconds,
  memory: { idle, busy },
  lookups,
  wire,
  publish: { beside, small: summary(small), large: summary(published) },
  resign: signed,
});

/** The largest run takes an hour: what is known is shown. */
function progress(what: string, figures: object): void {
  process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
}

async function publishingOn(count: number): Promise<Published> {
  const index = await serveIndex({ files: count });
  const result = await measurePublishing(index, uploads);
  await index.stop();
  return result;
}

function ratio(share: number): number {
  return quantile(published.burst, share) / quantile(small.burst, share);
}

function summary({ burst, steady, rate }: Published): object {
  const both = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });
  return { burst: both(burst), steady: both(steady), rate };
}

function limit(what: string, value: string, goal: string, met: boolean): Line {
  return { what, value, goal, ...(full && { met }) };
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function gigabytes(value: number): string {
  return `${(value / GB).toFixed(2)} GB`;
}
