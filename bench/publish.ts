import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { IndexClient, addTrust } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWheel } from '../packages/index/test/support/wheel.ts';
import { report } from './lib/report.ts';
import { serveIndex } from './lib/served-index.ts';
import { quantile } from './lib/statistics.ts';

/**
 * Upload to visible in verified metadata: 32 uploaders at once, wheels of 20 kB, fsync on, everything over HTTP to an index in
 * a process of its own. The answer 200 is the moment: a client then finds every file in the metadata that it verifies.
 */
const UPLOADERS = 32;
const WHEEL_BYTES = 20_000;
/** After the steady load: so many times 32 uploads that begin together on a quiet index. */
const BURSTS = 20;
const uploads = Number(process.argv[2] ?? 4_000);

const index = await serveIndex();
const agent = new Agent({ keepAlive: true, maxSockets: UPLOADERS });
const wheels = Array.from({ length: uploads + BURSTS * UPLOADERS }, (_, at) =>
  wheelOfSize(`bench-${at % 400}`, `1.${Math.floor(at / 400)}`),
);
const bodies = wheels.map(({ filename, bytes }) => form(filename, bytes));
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
for (let first = uploads; first < bodies.length; first += UPLOADERS) {
  burst.push(...(await Promise.all(Array.from({ length: UPLOADERS }, (_, at) => timed(first + at)))));
}
agent.destroy();

await checkVisible();
await index.stop();

const rate = uploads / seconds;
const milliseconds = (values: readonly number[], share: number): string => `${quantile(values, share).toFixed(1)} ms`;
report(
  'Upload until visible in verified metadata',
  `${bodies.length} wheels of ${WHEEL_BYTES / 1000} kB in 400 projects; ${UPLOADERS} uploaders, the load on the same cores`,
  [
    { what: '32 at once, p50', value: milliseconds(burst, 0.5), goal: '≤ 60 ms', met: quantile(burst, 0.5) <= 60 },
    { what: '32 at once, p99', value: milliseconds(burst, 0.99), goal: '≤ 500 ms', met: quantile(burst, 0.99) <= 500 },
    { what: 'steady, p50', value: milliseconds(steady, 0.5), goal: '≤ 60 ms', met: quantile(steady, 0.5) <= 60 },
    { what: 'steady, p99', value: milliseconds(steady, 0.99), goal: '≤ 500 ms', met: quantile(steady, 0.99) <= 500 },
    { what: 'steady, sustained', value: `${rate.toFixed(0)}/s`, goal: '≥ 200/s', met: rate >= 200 },
  ],
);

/** Uploads one wheel; milliseconds until the answer. */
async function timed(at: number): Promise<number> {
  const start = performance.now();
  await post(bodies[at] ?? Buffer.alloc(0));
  return performance.now() - start;
}

function wheelOfSize(name: string, version: string): { filename: string; bytes: Buffer } {
  const padding = createHash('shake256', { outputLength: WHEEL_BYTES - 800 })
    .update(name + version)
    .digest();
  return makeWheel({ name, version, extra: [[`${name.replaceAll('-', '_')}.bin`, padding]] });
}

function form(filename: string, bytes: Buffer): Buffer {
  const [name = '', version = ''] = filename.split('-');
  const fields = {
    ':action': 'file_upload',
    protocol_version: '1',
    metadata_version: '2.1',
    name,
    version,
    filetype: 'bdist_wheel',
    pyversion: 'py3',
    sha256_digest: createHash('sha256').update(bytes).digest('hex'),
  };
  const parts = Object.entries(fields).map(
    ([field, value]) => `--holdfast\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  );
  parts.push(`--holdfast\r\nContent-Disposition: form-data; name="content"; filename="${filename}"\r\n\r\n`);
  return Buffer.concat([Buffer.from(parts.join('')), bytes, Buffer.from('\r\n--holdfast--\r\n')]);
}

function post(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${index.url}/legacy/`,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Basic ${Buffer.from(`__token__:${index.token}`).toString('base64')}`,
          'content-type': 'multipart/form-data; boundary=holdfast',
          'content-length': body.length,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode} ${text}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Every uploaded file is in the metadata that a new client verifies, with its hash. */
async function checkVisible(): Promise<void> {
  const home = join(index.place, 'home');
  await addTrust({ home, name: 'bench', urls: [index.url], root: await readFile(index.rootFile) });
  const client = await IndexClient.open({ home });
  const listed = new Map<string, string>();
  for (let at = 0; at < 400; at++) {
    for (const file of (await client.project(normalizeName(`bench-${at}`)))?.files ?? [])
      listed.set(file.filename, file.sha256);
  }
  client.close();
  for (const { filename, bytes } of wheels) {
    if (listed.get(filename) !== createHash('sha256').update(bytes).digest('hex'))
      throw new Error(`${filename} is not visible`);
  }
}
