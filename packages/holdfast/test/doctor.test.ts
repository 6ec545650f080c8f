import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type ServedIndexUnderTest, serveIndex } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { makeSdist, makeWheel } from '../../index/test/support/wheel.ts';
import type { Finding } from '../src/doctor/finding.ts';
import { bad, type Damage, findingsOf, flip, noDamage, path, proxy } from './damaging-proxy.ts';
import { holdfast } from './holdfast.ts';

async function filled(
  t: TestContext,
  other = makeWheel({ name: 'other', version: '2.0' }),
): Promise<ServedIndexUnderTest> {
  const served = await serveIndex(t);
  const files = ['1.0', '2.0', '3.0', '4.0', '5.0'].map((version) => makeWheel({ version }));
  files.push(makeSdist(), other);
  for (const { status } of await Promise.all(files.map((file) => upload(served, file)))) assert.equal(status, 200);
  return served;
}

test('the doctor finds nothing wrong with an index that works, and passes over nothing', async (t) => {
  const served = await filled(t);
  for (const url of [`${served.url}/`, await proxy(t, served.url, noDamage)]) {
    const findings = await findingsOf([url, `${served.url}/`], served.root);
    assert.equal(bad(findings), '');
    const checks = [...new Set(findings.map(({ check }) => check))];
    const all =
      'connection tls clock trust chain expiry consistent-snapshot caching encodings ranges lookup feed simple file core-metadata mirrors';
    assert.deepEqual(checks, all.split(' '));
    assert.deepEqual(
      findings.filter(({ check }) => check === 'expiry').map(({ detail }) => detail.split(' is good')[0]),
      ['root', 'timestamp', 'snapshot', 'targets', 'the first of the bins looked into'],
    );
    assert.deepEqual(
      findings.filter(({ check }) => check === 'encodings').map(({ detail }) => detail.split(':')[0]),
      ['gzip', 'br', 'zstd'],
    );
  }
});

const DAY = 86_400_000;

/** For each way to break an index: what is done on the way, and what the doctor must say. */
const WAYS: readonly (readonly [string, Damage, RegExp, number?])[] = [
  [
    'each answer closes its connection',
    (_p, { headers }) => void (headers.connection = 'close'),
    /^warn connection: each request needs/m,
  ],
  [
    'an address that is gone',
    path(/timestamp/, (answer) => void (answer.status = 503)),
    /^fail connection: .* answers 503/m,
  ],
  [
    'a clock that is wrong',
    (_p, { headers }) => void (headers.date = new Date(Date.now() - 600_000).toUTCString()),
    /^fail clock: .* by -(599|600|601) s/m,
  ],
  ['no Date', (_p, { headers }) => void (headers.date = 'soon'), /^warn clock: no Date/m],
  [
    'a timestamp that was changed',
    path(
      /timestamp\.json/,
      (answer) =>
        void (answer.body = Buffer.from(answer.body.toString().replace(/"version": ?(\d+)/, '"version":9$1'))),
    ),
    /^fail chain: /m,
  ],
  [
    'a snapshot that was changed',
    path(/snapshot\.json/, (answer) => void (answer.body = flip(answer.body))),
    /^fail consistent-snapshot: /m,
  ],
  [
    'a role that is missing',
    path(/\d+\.unclaimed\.json/, (answer) => void (answer.status = 404)),
    /^fail consistent-snapshot: \d+\.unclaimed\.json answers 404, and the snapshot lists it$/m,
  ],
  [
    'a role under the wrong version',
    async (at, answer) => {
      const [, url] = /(.*\/metadata\/)\d+\.unclaimed\.json/.exec(at) ?? [];
      if (url) answer.body = Buffer.from(answer.body.toString().replace(/("version": ?)\d+/, '$177'));
    },
    /^fail consistent-snapshot: .* holds version 77$/m,
  ],
  [
    'timestamps that are kept',
    path(/timestamp\.json/, ({ headers }) => void (headers['cache-control'] = 'public, max-age=600')),
    /^fail caching: metadata\/timestamp\.json may be kept/m,
  ],
  [
    'pages that are kept',
    path(/simple\/$/, ({ headers }) => void (headers['cache-control'] = 'max-age=3600')),
    /^fail caching: simple\/ may be kept/m,
  ],
  [
    'files that are not kept',
    path(/\/files\//, ({ headers }) => void (headers['cache-control'] = 'no-cache')),
    /^warn caching: .*\.(whl|tar\.gz) never changes/m,
  ],
  [
    'encodings that are taken away',
    (_p, { headers }) => void (headers['content-encoding'] &&= 'identity'),
    /^warn encodings: gzip is not used; identity came/m,
  ],
  [
    'a body that is broken in one encoding',
    (_p, answer) => {
      if (answer.headers['content-encoding'] === 'zstd') answer.body = flip(answer.body);
    },
    /^fail encodings: .* in zstd is not what it is without$/m,
  ],
  [
    'Vary that is taken away',
    (_p, { headers }) => void (headers.vary = 'Origin'),
    /^fail encodings: .* Vary does not say so$/m,
  ],
  [
    'ranges that are ignored',
    (at, answer, asked) => {
      if (asked.range && at.startsWith('/files')) answer.status = 200;
    },
    /^warn ranges: ranges of files are not served/m,
  ],
  [
    'ranges that are off by one',
    (_p, answer, asked) => {
      if (asked.range) answer.body = Buffer.concat([answer.body.subarray(1), Buffer.from('x')]);
    },
    /^fail ranges: a part of a file is wrong \(status 206\)$/m,
  ],
  [
    'a flat snapshot that is ahead of the tree',
    path(/\d+\.snapshot\.json/, (answer, asked) => {
      if (!asked['accept-encoding'])
        answer.body = Buffer.from(
          answer.body.toString().replace(/("unclaimed\.json": ?\{\s*"version": ?)\d+/, '$1999'),
        );
    }),
    /^fail lookup: the flat snapshot lists unclaimed 999, the tree \d+$/m,
  ],
  [
    'a lookup that is damaged',
    path(/^\/lookup\//, (answer) => void (answer.body = flip(answer.body))),
    /^fail lookup: the lookup of \S+ does not hold: /m,
  ],
  ['no lookup', path(/^\/lookup\//, (answer) => void (answer.status = 404)), /^warn lookup: no lookup here/m],
  [
    'a JSON page with another hash',
    path(
      /^\/simple\/demo\//,
      (answer) =>
        void (
          answer.headers['content-type']?.includes('json') &&
          (answer.body = Buffer.from(answer.body.toString().replace(/("sha256": ?")[0-9a-f]{8}/, '$100000000')))
        ),
    ),
    /^fail simple: the JSON page of demo and signed metadata differ on demo-/m,
  ],
  [
    'an HTML page that lacks a file',
    path(
      /^\/simple\/other\//,
      (answer) =>
        void (
          answer.headers['content-type']?.includes('html') &&
          (answer.body = Buffer.from(answer.body.toString().replace(/<a href.*<\/a>/, '')))
        ),
    ),
    /^fail simple: the HTML page of other and signed metadata differ on other-2\.0/m,
  ],
  [
    'files that are damaged',
    path(/^\/(files|targets)\/.*(whl|gz)$/, (answer) => void (answer.body = flip(answer.body))),
    /^fail file: /m,
  ],
  [
    'core metadata that is damaged',
    path(/\.metadata$/, (answer) => void (answer.body = flip(answer.body))),
    /^fail core-metadata: .* is not what was signed$/m,
  ],
  [
    'core metadata that is missing',
    path(/\.metadata$/, (answer) => void (answer.status = 404)),
    /^fail core-metadata: .* answers 404$/m,
  ],
  ['a timestamp that ended', noDamage, /^fail expiry: timestamp expired at/m, 2 * DAY],
  ['targets that end soon', noDamage, /^warn expiry: targets is good until .*, which is soon$/m, 330 * DAY],
];

test('each thing that is wrong is seen by the check for it', async (t) => {
  const served = await filled(t);
  for (const [way, damage, expected, later = 0] of WAYS) {
    const url = await proxy(t, served.url, damage);
    const findings = await findingsOf([url], served.root, new Date(Date.now() + later));
    assert.match(bad(findings), expected, way);
    for (const { verdict, remedy } of findings) assert.ok(verdict === 'ok' || (remedy ?? '').length > 10, way);
  }
});

test('bins that end soon are seen', async (t) => {
  const served = await serveIndex(t, {}, { lifetimes: { bins: 3 * 86_400 } });
  assert.equal((await upload(served, makeWheel())).status, 200);
  const told = bad(await findingsOf([served.url], served.root));
  assert.match(told, /^warn expiry: the first of the bins looked into is good until .*, which is soon$/);
});

test('a mirror is seen when it is behind, shows another timestamp, or does not answer', async (t) => {
  const served = await filled(t);
  const old = Buffer.from(await (await fetch(`${served.url}/metadata/timestamp.json`)).arrayBuffer());
  await upload(served, makeWheel({ name: 'newer' }));
  const behind = await proxy(
    t,
    served.url,
    path(/timestamp/, (answer) => void (answer.body = old)),
  );
  const forged = await proxy(
    t,
    served.url,
    path(/timestamp/, (answer) => void (answer.body = Buffer.concat([answer.body, Buffer.from(' ')]))),
  );
  const gone = await proxy(
    t,
    served.url,
    path(/timestamp/, (answer) => void (answer.status = 500)),
  );
  const told = bad(await findingsOf([`${served.url}/`, behind, forged, gone], served.root));
  assert.match(
    told,
    /^warn mirrors: \S+ has timestamp \d+, and \d+ is out\nfail mirrors: \S+ has another timestamp \d+\nfail mirrors: \S+ does not answer with a timestamp$/,
  );
});

test('holdfast doctor: a line for each check, JSON, first use, a trusted index, and exit code 1 when something fails', async (t) => {
  // The doctor chooses any file that has metadata: here only demo's wheels have some.
  const served = await filled(t, makeSdist({ name: 'other', version: '2.0' }));
  const directory = await temporaryDirectory(t, 'doctor');
  await mkdir(join(directory, 'home'));
  const first = await holdfast(directory, ['doctor', served.url]);
  assert.equal(first.code, 0, first.out + first.err);
  assert.match(
    first.out,
    /^warn {2}trust +FIRST USE: the root that the index shows is believed, [0-9a-f]{64}\n +Compare it/m,
  );
  await writeFile(join(directory, 'root.json'), served.root);
  assert.equal((await holdfast(directory, ['trust', 'add', 'main', served.url, '--root', 'root.json'])).code, 0);
  for (const args of [
    ['doctor', '--index', 'main', '--json'],
    ['doctor', served.url, '--json'],
  ]) {
    const { code, out } = await holdfast(directory, args);
    assert.equal(code, 0);
    const findings = JSON.parse(out) as Finding[];
    assert.match(findings.find(({ check }) => check === 'trust')?.detail ?? '', /^begins with the trusted root/);
    assert.ok(
      findings.every(({ verdict }) => verdict === 'ok'),
      bad(findings),
    );
  }
  const broken = await proxy(
    t,
    served.url,
    path(/\.metadata$/, (answer) => void (answer.status = 404)),
  );
  const failed = await holdfast(directory, ['doctor', broken]);
  assert.equal(failed.code, 1);
  assert.match(failed.out, /^FAIL {2}core-metadata +demo-\S+\.metadata answers 404\n +Installers refuse this too/m);
  const nobody = await holdfast(directory, ['doctor', 'http://127.0.0.1:1']);
  assert.equal(nobody.code, 1);
  assert.match(nobody.out, /^FAIL {2}connection /m);
  assert.equal((await holdfast(directory, ['doctor', 'ftp://x'])).code, 2);
  assert.equal((await holdfast(directory, ['doctor'])).code, 2);
});
