import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chart, type Series } from './plots/chart.ts';

/** Draws the plots of docs/scaling.md from what the benchmarks recorded in bench/results. */
const results = join(import.meta.dirname, 'results');
const images = join(import.meta.dirname, '..', 'docs', 'images');

interface Bytes {
  readonly files: number;
  readonly means: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

interface Scale {
  readonly files: number;
  readonly import: { readonly seconds: number; readonly memory: { readonly peak: number } };
  readonly startSeconds: number;
  readonly memory: { readonly idle: { readonly now: number }; readonly busy: { readonly peak: number } };
  readonly publish: { readonly large: { readonly burst: { readonly p50: number; readonly p99: number } } };
  readonly resign: { readonly seconds: number; readonly memory: { readonly peak: number } };
}

const bytes = await recorded<Bytes>('bytes');
const scale = await recorded<Scale>('scale');
await mkdir(images, { recursive: true });
for (const group of ['28 files', '500 files', 'by popularity']) {
  const series = (name: string, key: string): Series => ({
    name,
    points: bytes.flatMap(({ files, means }) => {
      const value = means[group]?.[key];
      return value === undefined ? [] : [{ x: files, y: value / 1000 }];
    }),
  });
  await draw(`bytes-${group.replaceAll(' ', '-')}`, `One verified installation, ${group}: kB of metadata and index`, [
    series('PEP 458, new user', 'pep458New'),
    series('PEP 458, returning', 'pep458Returning'),
    series("page, PyPI's", 'pypiPage'),
    series('page, this index', 'pageGzip'),
    series('new user', 'newUser'),
    series('never seen', 'otherProject'),
    series('grew by a file', 'sameProject'),
  ]);
}
const of = (name: string, value: (result: Scale) => number): Series => ({
  name,
  points: scale.map((result) => ({ x: result.files, y: value(result) })),
});
if (scale.length > 0) {
  await draw('publish', '32 uploads at once, until visible: milliseconds', [
    of('p99', ({ publish }) => publish.large.burst.p99),
    of('p50', ({ publish }) => publish.large.burst.p50),
  ]);
  await draw('memory', 'Resident memory: MB', [
    of('import, peak', (result) => result.import.memory.peak / 1e6),
    of('signing all anew, peak', ({ resign }) => resign.memory.peak / 1e6),
    of('server, peak', ({ memory }) => memory.busy.peak / 1e6),
    of('server, idle', ({ memory }) => memory.idle.now / 1e6),
  ]);
  await draw('time', 'Work that grows with the index: seconds', [
    of('import', (result) => result.import.seconds),
    of('signing all anew', ({ resign }) => resign.seconds),
    of('start', ({ startSeconds }) => startSeconds),
  ]);
}

async function draw(name: string, title: string, series: readonly Series[]): Promise<void> {
  await writeFile(join(images, `scaling-${name}.svg`), chart(title, series));
}

async function recorded<T extends { readonly files: number }>(benchmark: string): Promise<readonly T[]> {
  const names = (await readdir(results)).filter((name) => name.startsWith(`${benchmark}-`));
  const all = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(results, name), 'utf8')) as T),
  );
  return all.toSorted((a, b) => a.files - b.files);
}
