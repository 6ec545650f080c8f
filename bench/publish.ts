import { numberArgument } from './lib/arguments.ts';
import { type Line, report } from './lib/report.ts';
import { serveIndex } from './lib/served-index.ts';
import { quantile } from './lib/statistics.ts';
import { distributedStores } from './publish/distributed.ts';
import { measurePublishing, UPLOADERS } from './publish/measure.ts';
import { WHEEL_BYTES } from './publish/uploads.ts';

/**
 * Upload to visible in verified metadata: 32 uploaders at once, wheels of 20 kB, fsync on, everything over HTTP to an index in
 * a process of its own. The answer 200 is the moment: a client then finds every file in the metadata that it verifies.
 * `publish.ts [--uploads N] [--files N] [--distributed]`: so many uploads, to an index that holds so many files before; with its records
 * in PostgreSQL and its objects in S3, both on this machine.
 */
const uploads = numberArgument('uploads', 4_000);
const files = numberArgument('files', 0);
const distributed = process.argv.includes('--distributed');

const stores = distributed ? await distributedStores() : undefined;
const index = await serveIndex({ files, ...stores });
const { steady, burst, rate, files: published } = await measurePublishing(index, uploads);
await index.stop();
await stores?.stop();

const milliseconds = (values: readonly number[], share: number): string => `${quantile(values, share).toFixed(1)} ms`;
const line = (what: string, values: readonly number[], share: number, most: number): Line => ({
  what,
  value: milliseconds(values, share),
  // The goals are those of the embedded stores.
  ...(!distributed && { goal: `≤ ${most} ms`, met: quantile(values, share) <= most }),
});
const least = distributed ? 150 : 300;
report(
  `Upload until visible in verified metadata, ${distributed ? 'PostgreSQL and S3' : 'embedded'}`,
  `${published} wheels of ${WHEEL_BYTES / 1000} kB in 400 projects, on an index of ${files} files; ${UPLOADERS} uploaders, the load on the same cores`,
  [
    line('32 at once, p50', burst, 0.5, 60),
    line('32 at once, p99', burst, 0.99, 500),
    line('steady, p50', steady, 0.5, 60),
    line('steady, p99', steady, 0.99, 500),
    { what: 'steady, sustained', value: `${rate.toFixed(0)}/s`, goal: `≥ ${least}/s`, met: rate >= least },
  ],
);
