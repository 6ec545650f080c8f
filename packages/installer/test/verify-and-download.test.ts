import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { drawChain } from '../src/chain-picture.ts';
import type { IndexClient } from '../src/client/index-client.ts';
import { download } from '../src/download.ts';
import { InvalidInputError, NotVouchedError } from '../src/errors.ts';
import { verifyFiles } from '../src/verify-files.ts';
import { Scene } from './scene.ts';

let scene: Scene;
let client: IndexClient;
let out: string;

beforeEach(async () => {
  scene = await Scene.make();
  client = await scene.client();
  out = join(scene.home, 'out');
});
afterEach(() => scene.close());

test('downloads the verified files of a release, or one file by its name', async () => {
  const [{ path, file } = assert.fail()] = await download(client, ['Demo==1.0.0'], out);
  assert.equal(hash('sha256', await readFile(path), 'hex'), file.sha256);
  await download(client, ['helper-1.2-py3-none-any.whl'], out);
  assert.deepEqual(await readdir(out), ['demo-1.0-py3-none-any.whl', 'helper-1.2-py3-none-any.whl']);
});

test('downloads nothing that is not vouched for, and only exact requirements', async () => {
  await assert.rejects(download(client, ['demo==9'], out), NotVouchedError);
  await assert.rejects(download(client, ['absent==1'], out), NotVouchedError);
  for (const vague of ['demo', 'demo>=1', 'demo==1==2', '../x'])
    await assert.rejects(download(client, [vague], out), InvalidInputError, vague);
});

test('says of local files who vouches for them, and of which it does not know or knows otherwise (D6)', async () => {
  const [{ path } = assert.fail()] = await download(client, ['demo==1.0'], out);
  const changed = join(scene.home, 'helper-1.2-py3-none-any.whl');
  const unknown = join(scene.home, 'demo-3.0-py3-none-any.whl');
  const other = join(scene.home, 'notes.txt');
  for (const each of [changed, unknown, other]) await writeFile(each, 'something else');
  const verdicts = await verifyFiles([client], [path, changed, unknown, other]);
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict),
    ['verified', 'different', 'unlisted', 'not-a-distribution'],
  );
  assert.deepEqual(verdicts[0]?.entries[0]?.voucher.chain, ['targets', 'unclaimed']);
});

test('draws the chain of trust from the root down to the file', async () => {
  const [{ file } = assert.fail()] = await download(client, ['demo==1.0'], out);
  const freshness = client.freshness ?? assert.fail();
  const picture = drawChain({ file, freshness, fingerprint: client.trusted.fingerprint });
  const names = picture
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^[ └─]*/, '').split('  ')[0]);
  assert.deepEqual(names, ['root', 'timestamp', 'targets', 'unclaimed', 'demo-1.0-py3-none-any.whl']);
  assert.ok(!picture.includes('\u001b'));
  assert.ok(drawChain({ file, freshness, fingerprint: 'ab' }, { colour: true }).includes('\u001b['));
});
