import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { requestsPerSecond } from './lib/load.ts';
import { report } from './lib/report.ts';
import { clients, root, serveIndex } from './lib/served-index.ts';
import { run } from '../script/lib/run.ts';
import { median } from './lib/statistics.ts';

/**
 * Project pages per second, beside a bare Node server that answers the same bytes, pypiserver and proxpi on the same files.
 * Each server is a process of its own; one load generator, one server at a time, in turns.
 */
const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 64;
const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const project = 'flask';
const peers = join(root, '.tools', 'peers', 'bin');

const index = await serveIndex();
const dist = join(index.place, 'dist');
await mkdir(dist);
const downloaded = await run(
  [join(clients, 'pip'), 'download', '--quiet', '--no-deps', '--dest', dist, project],
  process.env,
);
if (downloaded.code !== 0) throw new Error(downloaded.output);
const files = (await readdir(dist)).map((file) => join(dist, file));
const uploaded = await run(
  [join(clients, 'twine'), 'upload', '--disable-progress-bar', '--repository-url', `${index.url}/legacy/`, ...files],
  { ...process.env, TWINE_USERNAME: '__token__', TWINE_PASSWORD: index.token },
);
if (uploaded.code !== 0) throw new Error(uploaded.output);

const page = await fetch(`${index.url}/simple/${project}/`, {
  headers: { accept: JSON_TYPE, 'accept-encoding': 'identity' },
});
const body = await page.text();
const bare = new Worker(new URL('./lib/bare-server.ts', import.meta.url), { workerData: { body, type: JSON_TYPE } });
const [barePort] = (await once(bare, 'message')) as [number];

const pypiserverPort = await freePort();
const proxpiPort = await freePort();
const processes = [
  background([
    join(peers, 'pypi-server'),
    'run',
    '-i',
    '127.0.0.1',
    '-p',
    String(pypiserverPort),
    '--fallback-url',
    '',
    '--disable-fallback',
    dist,
  ]),
  background(
    [
      join(peers, 'gunicorn'),
      '--workers',
      '2',
      '--threads',
      '4',
      '--bind',
      `127.0.0.1:${proxpiPort}`,
      'proxpi.server:app',
    ],
    {
      PROXPI_INDEX_URL: `${index.url}/simple/`,
      PROXPI_CACHE_DIR: join(index.place, 'proxpi'),
    },
  ),
];
const path = `/simple/${project}/`;
const proxpiPath = `/index/${project}/`;

const headers = { accept: JSON_TYPE };
const measured = { holdfast: [] as number[], bare: [] as number[], pypiserver: [] as number[], proxpi: [] as number[] };
try {
  await Promise.all([answers(pypiserverPort, path), answers(proxpiPort, proxpiPath)]);
  for (let round = 0; round < ROUNDS; round++) {
    measured.bare.push(await load(barePort, path, headers));
    measured.holdfast.push(await load(index.port, path, headers));
    measured.pypiserver.push(await load(pypiserverPort, path, {}));
    measured.proxpi.push(await load(proxpiPort, proxpiPath, headers));
  }
} finally {
  for (const child of processes) child.kill();
  await bare.terminate();
  await index.stop();
}

const rate = (values: readonly number[]): string => `${median(values).toFixed(0)}/s`;
const ratio = median(measured.holdfast) / median(measured.bare);
report(
  'Project page',
  `${body.length} bytes of JSON, ${CONNECTIONS} connections, medians of ${ROUNDS} × ${SECONDS} s`,
  [
    { what: 'Holdfast', value: rate(measured.holdfast) },
    { what: 'bare Node server', value: rate(measured.bare) },
    { what: 'Holdfast ÷ bare', value: ratio.toFixed(2), goal: '≥ 0.5', met: ratio >= 0.5 },
    { what: 'pypiserver', value: rate(measured.pypiserver) },
    { what: 'Holdfast ÷ pypiserver', value: (median(measured.holdfast) / median(measured.pypiserver)).toFixed(1) },
    { what: 'proxpi (2 workers)', value: rate(measured.proxpi) },
    { what: 'Holdfast ÷ proxpi', value: (median(measured.holdfast) / median(measured.proxpi)).toFixed(1) },
  ],
);

function load(port: number, of: string, with_: Readonly<Record<string, string>>): Promise<number> {
  return requestsPerSecond({ port, path: of, headers: with_, connections: CONNECTIONS, seconds: SECONDS });
}

function background([program = '', ...args]: readonly string[], extra: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(program, args, { env: { ...process.env, ...extra }, stdio: 'ignore' });
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function answers(port: number, of: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}${of}`)).ok) return;
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the server on port ${port} does not answer`);
}
