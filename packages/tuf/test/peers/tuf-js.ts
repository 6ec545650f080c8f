import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Metadata, MetadataKind } from '@tufjs/models';
import { type Fetcher, Updater } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';
import { answerRequests } from './answer.ts';
import type {
  CaseAnswer,
  CaseRequest,
  ClientAnswer,
  ClientRequest,
  LookupAnswer,
  StepAnswer,
  StepRequest,
  VerifyAnswer,
  VerifyRequest,
} from './protocol.ts';

const BASE = 'http://repository.test/';

/** Serves a step's repository: what a web server would find under the decoded path. */
class Served implements Fetcher {
  private readonly files: ReadonlyMap<string, string>;

  constructor(files: Readonly<Record<string, string>>) {
    this.files = new Map(Object.entries(files));
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const base64 = this.files.get(decodeURIComponent(url.slice(BASE.length)));
    if (base64 === undefined) throw new DownloadHTTPError(url, 404);
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length > maxLength) throw new DownloadLengthMismatchError(url);
    return bytes;
  }

  downloadFile(): never {
    throw new Error('no case downloads a target');
  }
}

function updaterOn(metadataDir: string, metadataBaseUrl: string, fetcher?: Fetcher): Updater {
  return new Updater({ metadataDir, metadataBaseUrl, ...(fetcher === undefined ? {} : { fetcher }) });
}

async function inDirectory<T>(trusted: Uint8Array, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-tuf-js-'));
  try {
    await writeFile(join(directory, 'root.json'), trusted);
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs the client once for each step, on one cache, as a program that is started again and again would. */
function runCase({ trusted, steps }: CaseRequest): Promise<CaseAnswer> {
  return inDirectory(Buffer.from(trusted, 'base64'), async (directory) => {
    const answers: StepAnswer[] = [];
    for (const step of steps) answers.push(await runStep(directory, step));
    return { steps: answers };
  });
}

async function runStep(directory: string, { files, lookups }: StepRequest): Promise<StepAnswer> {
  try {
    const updater = updaterOn(directory, BASE, new Served(files));
    await updater.refresh();
    const answers: LookupAnswer[] = [];
    for (const path of lookups) answers.push(await lookUp(updater, path));
    return { lookups: answers };
  } catch (error) {
    return { refused: String(error), lookups: [] };
  }
}

async function lookUp(updater: Updater, path: string): Promise<LookupAnswer> {
  try {
    const found: unknown = await updater.getTargetInfo(path);
    if (found === undefined) return {};
    const { length, hashes } = found as { length: number; hashes: Record<string, string> };
    return { length, hashes };
  } catch (error) {
    return { refused: String(error) };
  }
}

async function runVerify({ rootFile, targetsFile, runs }: VerifyRequest): Promise<VerifyAnswer> {
  const root = Metadata.fromJSON(MetadataKind.Root, parse(await readFile(rootFile)));
  const bytes = await readFile(targetsFile);
  const ms: number[] = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    const targets = Metadata.fromJSON(MetadataKind.Targets, parse(bytes));
    root.verifyDelegate('targets', targets);
    ms.push(performance.now() - began);
  }
  return { ms };
}

type JsonObject = Parameters<typeof Metadata.fromJSON>[1];

function parse(bytes: Buffer): JsonObject {
  return JSON.parse(bytes.toString('utf8')) as JsonObject;
}

async function runClient({ rootFile, metadataUrl, target, runs }: ClientRequest): Promise<ClientAnswer> {
  const answer = { cold: [] as number[], warm: [] as number[] };
  const trusted = await readFile(rootFile);
  for (let run = 0; run < runs; run++) {
    await inDirectory(trusted, async (directory) => {
      for (const times of [answer.cold, answer.warm]) {
        const began = performance.now();
        const found = await updaterOn(directory, metadataUrl).getTargetInfo(target);
        times.push(performance.now() - began);
        if (found === undefined) throw new Error(`${target} was not found`);
      }
    });
  }
  return answer;
}

await answerRequests(async (request) => {
  if (request.op === 'case') return runCase(request);
  return request.op === 'verify' ? runVerify(request) : runClient(request);
});
