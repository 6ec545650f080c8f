import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ChunkEncoder, decodePart } from '@holdfast/trust';
import { newFile } from '../../index/test/support/bare-index.ts';
import { type ServedIndexUnderTest, serveIndex } from '../../index/test/support/served-index.ts';
import { type Damage, findingsOf, noDamage, path, proxy } from './damaging-proxy.ts';

const FILES = 20;

/** An index whose feed has some twenty publications, one after the other; those up to version 15 are merged. */
async function published(t: TestContext): Promise<{ served: ServedIndexUnderTest; version: number }> {
  const served = await serveIndex(t);
  let version = 0;
  for (let at = 0; at < FILES; at++)
    version = (await served.index.publisher.publish(newFile(`project-${at}`, '1.0'))).timestampVersion;
  assert.equal(version, FILES + 1);
  while ((await fetch(`${served.url}/feed/2/15.0`)).status !== 200); // It is made in the background.
  return { served, version };
}

/** What the doctor says of the feed when its choices fall on these shares of what it may choose, the last one from there on. */
async function told(served: ServedIndexUnderTest, url: string, ...chosen: number[]): Promise<string[]> {
  const random = (): number => (chosen.length > 1 ? chosen.shift() : chosen[0]) ?? 0;
  const findings = await findingsOf([url], served.root, new Date(), random);
  return findings
    .filter(({ check }) => check === 'feed')
    .map(({ verdict, detail, remedy }) => {
      assert.ok(verdict === 'ok' || (remedy ?? '').length > 10, detail);
      return `${verdict} ${detail}`;
    });
}

/** The chunk of level 0 of a version, as a server would make it that says something else in it. */
function forged(at: number, change: (sha256: string, version: number) => { sha256: string; version: number }): Damage {
  return path(new RegExp(`^/feed/0/${at}\\.0$`), (answer) => {
    const { head, changes } = decodePart(answer.body, { level: 0, last: at }, 0);
    const encoder = new ChunkEncoder(head);
    for (const { role, entry } of changes)
      encoder.add({ role, entry: entry && { ...entry, ...change(entry.sha256, entry.version) } });
    answer.body = Buffer.from(encoder.finish());
  });
}

test('the doctor follows the feed from its beginning, and looks at a row of chunks and at a merged one', async (t) => {
  const { served, version } = await published(t);
  for (const url of [served.url, await proxy(t, served.url, noDamage)]) {
    const [end, row, merged, whole, roles, ...more] = await told(served, url, 0);
    assert.equal(end, `ok the feed ends with the timestamp, version ${version}, under its root hash`);
    assert.equal(row, 'ok versions 1 to 16 have a chunk each');
    assert.equal(merged, 'ok feed/1/19.0 is still to be made');
    assert.match(whole ?? '', /^ok followed from version 1: \d+ roles, under the root hash that is signed$/);
    assert.match(roles ?? '', /^ok \d+ of these roles have the length and hash that the feed says$/);
    assert.deepEqual(more, []);
  }
  assert.equal((await told(served, served.url, 0.4))[1], 'ok versions 3 to 18 have a chunk each');
  assert.equal((await told(served, served.url, 0.4))[2], 'ok feed/1/11.0 says what the chunks of versions 8 to 11 say');
  assert.equal((await told(served, served.url, 0.9))[2], 'ok feed/2/15.0 says what the chunks of versions 1 to 15 say');
});

test('gaps, forks, stale heads and lies in the feed are seen', async (t) => {
  const { served, version } = await published(t);
  const other = (sha256: string, at: number) => ({ sha256: sha256.replaceAll(/[0-7]/g, '8'), version: at });
  const gone = (pattern: RegExp): Damage => path(pattern, (answer) => void (answer.status = 404));
  const before = Buffer.from(await (await fetch(`${served.url}/feed/0/${version - 1}.0`)).arrayBuffer());
  const merged = Buffer.from(await (await fetch(`${served.url}/feed/1/7.0`)).arrayBuffer());
  const head = new RegExp(`^/feed/0/${version}\\.0$`);
  const ways: readonly (readonly [string, Damage, number, RegExp])[] = [
    ['a gap in the row', gone(/^\/feed\/0\/9\.0$/), 0, /^fail feed\/0\/9\.0 is missing from the feed$/],
    ['no feed at all', gone(/^\/feed\//), 0, /^warn no feed here: mirrors and auditors cannot follow$/],
    ['a head that is late', gone(head), 0, /^fail the feed ends with version 20, and timestamp 21 is out$/],
    [
      'a head that a cache kept from the publication before',
      path(head, (answer) => void (answer.body = before)),
      0,
      /^fail feed\/0\/21\.0 is not what the feed may hold: misplaced$/,
    ],
    [
      'a head of another index',
      path(head, ({ body }) => void body.fill(7, 4, 36)),
      0,
      /^fail feed\/0\/21\.0 leads to another root hash than that of the timestamp$/,
    ],
    ['a fork at the end', forged(version, other), 0, /^fail feed\/0\/21\.0 leads to another root hash than that of/],
    [
      'a fork that later chunks hide from who follows from the beginning',
      forged(11, other),
      0.4,
      /^fail feed\/1\/11\.0 is not what the feed may hold: malformed$/,
    ],
    [
      'a merged chunk in the place of another',
      path(/^\/feed\/1\/11\.0$/, (answer) => void (answer.body = merged)),
      0.4,
      /^fail feed\/1\/11\.0 is not what the feed may hold: malformed$/,
    ],
    [
      'chunks that say that they begin elsewhere',
      path(/^\/feed\/0\/8\.0$/, ({ body }) => void (body[37] = 3)),
      0,
      /^fail feed\/0\/8\.0 is not what the feed may hold: malformed$/,
    ],
    [
      'an answer that is cut',
      path(/^\/feed\/0\/5\.0$/, (answer) => void (answer.body = answer.body.subarray(0, 50))),
      0,
      /truncated$/,
    ],
    [
      'a server that fails',
      path(/^\/feed\/0\/5\.0$/, (answer) => void (answer.status = 500)),
      0,
      /^fail feed\/0\/5\.0 answers 500/,
    ],
    [
      'a role that is not what the feed lists',
      path(
        /\/metadata\/1\.targets\.json$/,
        (answer) => void (answer.body = Buffer.concat([answer.body, Buffer.from(' ')])),
      ),
      0,
      /^fail 1\.targets\.json is not the file that the feed lists: \d+ bytes of \d+$/,
    ],
  ];
  for (const [way, damage, chosen, expected] of ways) {
    const findings = await told(served, await proxy(t, served.url, damage), chosen);
    assert.match(findings.at(-1) ?? '', expected, way);
    assert.equal(findings.filter((finding) => !finding.startsWith('ok ')).length, 1, way);
  }
});

test('a feed that began anew is followed from there, and one of a single publication too', async (t) => {
  const served = await serveIndex(t);
  const [, row, merged, whole] = await told(served, served.url, 0.5);
  assert.equal(row, 'ok versions 1 to 1 have a chunk each');
  assert.equal(merged, 'ok no range of publications is complete yet');
  assert.match(whole ?? '', /^ok followed from version 1: 2 roles/);
  await served.index.publisher.publish(newFile('one', '1.0'));
  await served.index.records.write((db) => db.deleteFrom('feed').execute());
  for (const version of ['2.0', '3.0', '4.0', '5.0']) await served.index.publisher.publish(newFile('one', version));
  const again = await told(served, served.url, 0.5);
  assert.equal(again[1], 'ok versions 3 to 6 have a chunk each');
  assert.match(again[3] ?? '', /^ok followed from version 3: 2 roles/);
});

test('chunks that nobody merges are told about', async (t) => {
  const served = await serveIndex(t);
  for (let at = 0; at < 80; at++) await served.index.publisher.publish(newFile(`project-${at % 9}`, `${at}`));
  const url = await proxy(
    t,
    served.url,
    path(/^\/feed\/[1-9]/, (answer) => void (answer.status = 404)),
  );
  const [, , merged, whole] = await told(served, url, 0, 0.99, 0);
  assert.match(merged ?? '', /^warn feed\/1\/\d+\.0 is not made yet: followers ask for more, and more often$/);
  assert.match(whole ?? '', /^ok followed from version 1/);
});
