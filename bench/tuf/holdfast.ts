import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HttpFetcher,
  parseRoot,
  parseTargets,
  type PublicKey,
  type RoleKeys,
  Updater,
  verifySignatures,
} from '@holdfast/tuf';
import { FileMetadataStore } from '@holdfast/tuf/node';
import { answerRequests } from '../../packages/tuf/test/peers/answer.ts';
import type {
  ClientAnswer,
  ClientRequest,
  VerifyAnswer,
  VerifyRequest,
} from '../../packages/tuf/test/peers/protocol.ts';

/** This package as a peer of the others: the same requests, the same work. With `read`, every entry is also read. */
const readsAll = process.argv.includes('read');

async function runVerify({ rootFile, targetsFile, runs }: VerifyRequest): Promise<VerifyAnswer> {
  const { keys, roles } = parseRoot(await readFile(rootFile)).signed;
  const role = roles.get('targets');
  if (role === undefined) throw new Error('no targets role');
  const bytes = await readFile(targetsFile);
  const ms: number[] = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    await verifyOnce(bytes, keys, role);
    ms.push(performance.now() - began);
  }
  return { ms };
}

async function verifyOnce(bytes: Uint8Array, keys: ReadonlyMap<string, PublicKey>, role: RoleKeys): Promise<void> {
  const metadata = parseTargets(bytes);
  await verifySignatures(metadata, keys, role, 'targets');
  if (!readsAll) return;
  let sum = 0;
  for (const [path, file] of metadata.signed.targets) sum += path.length + file.length;
  if (sum === 0) throw new Error('no targets');
}

async function runClient({ rootFile, metadataUrl, target, runs }: ClientRequest): Promise<ClientAnswer> {
  const answer = { cold: [] as number[], warm: [] as number[] };
  const trustedRoot = await readFile(rootFile);
  for (let run = 0; run < runs; run++) {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
    for (const times of [answer.cold, answer.warm]) {
      const began = performance.now();
      const updater = new Updater({
        trustedRoot,
        fetcher: new HttpFetcher(metadataUrl),
        store: new FileMetadataStore(directory),
        clock: () => new Date(),
      });
      const info = await updater.targetInfo(target);
      times.push(performance.now() - began);
      if (info === undefined) throw new Error(`${target} was not found`);
    }
    await rm(directory, { recursive: true });
  }
  return answer;
}

await answerRequests(async (request) => {
  if (request.op === 'verify') return runVerify(request);
  if (request.op === 'client') return runClient(request);
  throw new Error('no cases here');
});
