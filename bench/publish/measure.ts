import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { addTrust, IndexClient } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import type { ServedIndex } from '../lib/served-index.ts';
import { makeUpload, post, type Upload } from './uploads.ts';

export const UPLOADERS = 32;
const PROJECTS = 400;
/** After the steady load: so many times 32 uploads that begin together on a quiet index. */
const BURSTS = 20;

export interface Published {
  /** Milliseconds of each upload. */
  readonly steady: readonly number[];
  readonly burst: readonly number[];
  /** Files a second under steady load. */
  readonly rate: number;
  readonly files: number;
}

/** Uploads with 32 uploaders, and checks afterwards that a new client finds every file in the metadata that it verifies. */
export async function measurePublishing(index: ServedIndex, uploads: number): Promise<Published> {
  const agent = new Agent({ keepAlive: true, maxSockets: UPLOADERS });
  const all = Array.from({ length: uploads + BURSTS * UPLOADERS }, (_, at) =>
    makeUpload(`bench-${at % PROJECTS}`, `1.${Math.floor(at / PROJECTS)}`),
  );
  /** Milliseconds until the answer. */
  const timed = async (at: number): Promise<number> => {
    const start = performance.now();
    await post(index, agent, all[at]?.body ?? Buffer.alloc(0));
    return performance.now() - start;
  };
  const steady: number[] = [];
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: UPLOADERS }, async () => {
      for (let at = next++; at < uploads; at = next++) steady.push(await timed(at));
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const burst: number[] = [];
  for (let first = uploads; first < all.length; first += UPLOADERS)
    burst.push(...(await Promise.all(Array.from({ length: UPLOADERS }, (_, at) => timed(first + at)))));
  agent.destroy();
  await checkVisible(index, all);
  return { steady, burst, rate: uploads / seconds, files: all.length };
}

async function checkVisible(index: ServedIndex, uploads: readonly Upload[]): Promise<void> {
  const home = join(index.place, 'home');
  await addTrust({ home, name: 'bench', urls: [index.url], root: await readFile(index.rootFile) });
  const client = await IndexClient.open({ home });
  const listed = new Map<string, string>();
  for (let at = 0; at < PROJECTS; at++) {
    for (const file of (await client.project(normalizeName(`bench-${at}`)))?.files ?? [])
      listed.set(file.filename, file.sha256);
  }
  client.close();
  for (const { filename, sha256 } of uploads)
    if (listed.get(filename) !== sha256) throw new Error(`${filename} is not visible`);
}
