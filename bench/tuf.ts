import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchData } from './tuf/data.ts';
import { benchRefresh } from './tuf/refresh.ts';
import { benchVerify } from './tuf/verify.ts';
import { benchWeight } from './tuf/weight.ts';

/** The TUF library beside python-tuf, go-tuf and tuf-js, each in a process of its own that stays, in turns. */
const ROUNDS = Number(process.argv[2] ?? 5);

const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
try {
  const data = await BenchData.create(directory);
  await benchVerify(data, ROUNDS);
  await benchRefresh(data, ROUNDS);
  benchWeight();
} finally {
  await rm(directory, { recursive: true });
}
