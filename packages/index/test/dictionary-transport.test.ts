import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { parseTimestamp } from '@holdfast/tuf';
import { rawRequest } from './support/raw-request.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const field = (bytes: Uint8Array): string => `:${sha256(bytes).toString('base64')}:`;

/** Addresses of the unclaimed role after each of two uploads. */
async function twoVersions(served: ServedIndexUnderTest): Promise<readonly [string, string]> {
  for (let at = 0; at < 5; at++) await upload(served, makeWheel({ version: `1.${at}` }));
  const address = async (): Promise<string> => {
    const { body } = await rawRequest(`${served.url}/metadata/timestamp.json`);
    const { version } = parseTimestamp(body).signed.snapshotMeta;
    return `${served.url}/metadata/${version}.snapshot.json`;
  };
  const unclaimed = async (): Promise<string> => {
    const { body } = await rawRequest(await address());
    const [, version] = /"unclaimed\.json":\{"version":(\d+)\}/.exec(body.toString()) ?? [];
    return `${served.url}/metadata/${version}.unclaimed.json`;
  };
  const before = await unclaimed();
  await upload(served, makeWheel({ version: '2.0' }));
  return [before, await unclaimed()];
}

test('a version of a role is sent against an older one that the client has, as RFC 9842 says', async (t) => {
  const served = await serveIndex(t);
  const [old, now] = await twoVersions(served);
  const before = await rawRequest(old);
  const whole = await rawRequest(now);
  const headers = { 'accept-encoding': 'gzip, br, zstd, dcb, dcz', 'available-dictionary': field(before.body) };
  const { status, body, headers: answered } = await rawRequest(now, { headers });
  assert.equal(status, 200);
  assert.equal(answered['content-encoding'], 'dcz');
  assert.equal(answered['vary'], 'Accept-Encoding, Available-Dictionary');
  assert.notEqual(answered['etag'], whole.headers['etag']);
  assert.deepEqual(body.subarray(0, 8), Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0]));
  assert.deepEqual(body.subarray(8, 40), sha256(before.body));
  assert.deepEqual(zstdDecompressSync(body.subarray(40), { dictionary: before.body }), whole.body);
  assert.ok(body.length < whole.body.length / 3, `${body.length} of ${whole.body.length} bytes`);

  const match = /^match="(.+)"$/.exec(String(before.headers['use-as-dictionary']))?.[1] ?? assert.fail();
  assert.ok(new URLPattern(match, old).test(now));
  assert.ok(!new URLPattern(match, old).test(`${served.url}/metadata/7.snapshot.json`));
  const again = await rawRequest(now, { headers: { ...headers, 'if-none-match': String(answered['etag']) } });
  assert.equal(again.status, 304);
});

test('without that dictionary, without the coding, or with a field that is none, the answer is as ever', async (t) => {
  const served = await serveIndex(t);
  const [old, now] = await twoVersions(served);
  const before = await rawRequest(old);
  const whole = await rawRequest(now);
  const dictionary = field(before.body);
  const plain: readonly Record<string, string>[] = [
    { 'available-dictionary': dictionary },
    { 'accept-encoding': 'dcz;q=0', 'available-dictionary': dictionary },
    { 'accept-encoding': '*', 'available-dictionary': field(Buffer.from('something else')) },
    { 'accept-encoding': 'dcz', 'available-dictionary': field(whole.body) },
    { 'accept-encoding': 'dcz', 'available-dictionary': dictionary.slice(1) },
    { 'accept-encoding': 'dcz', 'available-dictionary': `${dictionary}, ${dictionary}` },
    { 'accept-encoding': 'dcz' },
  ];
  for (const headers of plain) {
    const { headers: answered } = await rawRequest(now, { headers });
    assert.notEqual(answered['content-encoding'], 'dcz', JSON.stringify(headers));
    assert.equal(answered['vary'], 'Accept-Encoding, Available-Dictionary');
  }
});
