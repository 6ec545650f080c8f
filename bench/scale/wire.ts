import { cp, readFile, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { addTrust, IndexClient } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import { type Counted, type CountingProxy, startCountingProxy } from '../lib/counting-proxy.ts';
import { loadPaths } from '../lib/load-paths.ts';
import type { ServedIndex } from '../lib/served-index.ts';
import { MEASURED_SIZES } from '../population/sizes.ts';
import type { Population } from '../population/population.ts';
import { makeUpload, post } from '../publish/uploads.ts';

/** Bytes of the answers that one installation fetches beside its files, the mean of some projects. */
export interface WireBytes {
  readonly what: string;
  readonly requests: number;
  readonly body: number;
  readonly head: number;
}

const PROJECTS = 5;
const CLOSURE = 30;
const PAGE_TYPE = 'application/vnd.pypi.simple.v1+json';

/** What the real installer fetches from a served index, counted between the two. */
export async function measureWire(index: ServedIndex, population: Population): Promise<readonly WireBytes[]> {
  const proxy = await startCountingProxy(index.port);
  const setting = { index, proxy, root: await readFile(index.rootFile) };
  const returning = await newHome(setting, 'returning');
  const visited = Array.from({ length: CLOSURE }, (_, at) => population.requested((at + 0.31) / CLOSURE).name);
  await visit(setting, returning, visited);
  const lines: WireBytes[] = [];
  for (const size of MEASURED_SIZES) {
    const projects = population
      .withFiles(size, 2 * PROJECTS)
      .map(({ name }) => name)
      .filter((name) => !visited.includes(name))
      .slice(0, PROJECTS);
    if (projects.length > 0) lines.push(...(await ofProjects(setting, returning, `${size} files`, projects)));
  }
  proxy.close();
  return lines;
}

interface Setting {
  readonly index: ServedIndex;
  readonly proxy: CountingProxy;
  readonly root: Buffer;
}

async function ofProjects(
  setting: Setting,
  returning: string,
  size: string,
  projects: readonly ProjectName[],
): Promise<WireBytes[]> {
  const counts = { new: [] as Counted[], other: [] as Counted[], same: [] as Counted[], page: [] as Counted[] };
  for (const project of projects) {
    const home = await newHome(setting, 'new');
    counts.new.push(await visit(setting, home, [project]));
    const copy = join(setting.index.place, 'copy');
    await cp(returning, copy, { recursive: true });
    counts.other.push(await visit(setting, copy, [project]));
    const paths = [`/simple/${project}/`];
    const headers = { accept: PAGE_TYPE, 'accept-encoding': 'gzip, deflate' };
    const page = await loadPaths({ port: setting.index.port, paths, headers, connections: 1 });
    counts.page.push({ requests: 1, asked: 0, head: page.headerBytes, body: page.bodyBytes });
    await grow(setting.index, project);
    counts.same.push(await visit(setting, copy, [project]));
    await Promise.all([home, copy].map((each) => rm(each, { recursive: true })));
  }
  return [
    mean(`${size}: new user`, counts.new),
    mean(`${size}: returning, project never seen`, counts.other),
    mean(`${size}: returning, project grew by a file`, counts.same),
    mean(`${size}: plain page, gzip`, counts.page),
  ];
}

async function newHome({ index, proxy, root }: Setting, name: string): Promise<string> {
  const home = join(index.place, name);
  await addTrust({ home, name: 'bench', urls: [proxy.url], root });
  return home;
}

/** Asks for the files of projects, as an installation of each does, in a process that is new. */
async function visit({ proxy }: Setting, home: string, projects: readonly ProjectName[]): Promise<Counted> {
  const client = await IndexClient.open({ home });
  proxy.take();
  for (const project of projects)
    if (!(await client.project(project))?.files.length) throw new Error(`${project} has no files`);
  const counted = proxy.take();
  client.close();
  return counted;
}

async function grow(index: ServedIndex, project: ProjectName): Promise<void> {
  const agent = new Agent();
  await post(index, agent, makeUpload(project, `99.${Date.now()}`).body);
  agent.destroy();
}

function mean(what: string, counts: readonly Counted[]): WireBytes {
  const of = (value: (counted: Counted) => number): number =>
    Math.round((10 * counts.reduce((sum, counted) => sum + value(counted), 0)) / counts.length) / 10;
  return { what, requests: of(({ requests }) => requests), body: of(({ body }) => body), head: of(({ head }) => head) };
}
