import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { ChunkEncoder, type FeedRange, firstOf, planRanges } from '@holdfast/trust';
import { numberArgument } from './lib/arguments.ts';
import { report } from './lib/report.ts';

/**
 * What a follower of an index of PyPI's size fetches after being away: 10 700 files a day, each a publication, half of them in bins that published
 * a moment before; and every bin signed again every 58 days, 200 in a publication. `feed.ts [--years N]`
 */
const BINS = 2 ** 20;
const FILES_A_DAY = 10_700;
const RENEWAL_DAYS = 58;
const RENEWED_TOGETHER = 200;
const years = numberArgument('years', 2);

const renewalsADay = BINS / RENEWAL_DAYS;
const aDay = FILES_A_DAY + Math.ceil(renewalsADay / RENEWED_TOGETHER);
const newest = Math.floor(aDay * 365 * years);
/** The bin that a publication changes; a renewal begins at it. Renewals have odd places far apart. */
const changed = new Uint32Array(newest + 1);
const every = Math.floor(aDay / (renewalsADay / RENEWED_TOGETHER));
let renewed = 0;
for (let version = 1; version <= newest; version++) {
  if (version % every === 0) changed[version] = renewed = (renewed + RENEWED_TOGETHER) % BINS;
  else changed[version] = Math.random() < 0.7 ? (changed[version - 1] ?? 0) : anyBin();
}

/** Projects publish by a power law; theirs are scattered over all bins. */
function anyBin(): number {
  const rank = Math.floor(BINS ** Math.random());
  return Math.imul(rank, 0x9e3779b1) >>> 12;
}

function binsOf(range: FeedRange): Uint32Array {
  const bins = new Set<number>();
  for (let version = Math.max(1, firstOf(range)); version <= range.last; version++) {
    const bin = changed[version] ?? 0;
    const count = version % every === 0 ? RENEWED_TOGETHER : 1;
    for (let next = bin; next < bin + count; next++) bins.add(next % BINS);
  }
  return Uint32Array.from(bins).sort();
}

function measure(behind: number): {
  requests: number;
  changes: number;
  distinct: number;
  bytes: number;
  packed: number;
} {
  const total = { requests: 0, changes: 0, distinct: 0, bytes: 0, packed: 0 };
  const all = new Set<number>();
  for (const range of planRanges(newest - behind, newest)) {
    const encoder = new ChunkEncoder({ ...range, begins: 1, root: '0'.repeat(64), rootVersion: 0, snapshotVersion: 0 });
    const parts: Uint8Array[] = [];
    for (const bin of binsOf(range)) {
      const role = `unclaimed.${bin.toString(16).padStart(5, '0')}`;
      const sha256 = randomBytes(32).toString('hex');
      parts.push(
        ...encoder.add({ role, entry: { role, version: 1 + (bin % 40), length: 3_000 + (bin % 9_000), sha256 } }),
      );
      total.changes++;
      if (range.last > newest - behind) all.add(bin);
    }
    for (const part of [...parts, encoder.finish()]) {
      total.requests++;
      total.bytes += part.length;
      total.packed += Math.min(part.length, zstdCompressSync(part).length);
    }
  }
  return { ...total, distinct: all.size };
}

const ROWS: readonly (readonly [string, number])[] = [
  ['one publication', 1],
  ['an hour', aDay / 24],
  ['a day', aDay],
  ['a week', aDay * 7],
  ['a month', aDay * 30],
  ['a year', aDay * 365],
  ['everything, from nothing', newest],
];
report(
  'The change feed of an index of the size of PyPI',
  `${BINS} bins, ${FILES_A_DAY} files and ${Math.round(renewalsADay)} renewed bins a day, ${years} years; bytes compressed with zstd`,
  ROWS.map(([what, publications]) => {
    const { requests, changes, distinct, packed } = measure(Math.min(newest, Math.round(publications)));
    const each = (packed / changes).toFixed(1);
    return {
      what,
      value: `${requests} requests, ${packed} bytes, ${distinct} roles, said ${changes} times, ${each} bytes each`,
    };
  }),
);
