import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { serveIndex } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, ended, environment, holdfast } from './holdfast.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const HOUR = 3_600_000;

test('the commands refuse a clock that is behind, say the way out, and it is one (freeze, P20)', async (t) => {
  const served = await serveIndex(t);
  const wheel = makeWheel({ name: 'demo', version: '1.0' });
  assert.equal((await upload(served, wheel)).status, 200);
  const directory = await temporaryDirectory(t, 'clock');
  await writeFile(join(directory, 'root.json'), served.root);

  /** The real command, under a clock that is wrong by so much, as one of two users. */
  const at = (hours: number, user: string, ...args: readonly string[]): Promise<Ended> => {
    const time = new Date(Date.now() + hours * HOUR).toISOString();
    const command = [time, process.execPath, '--conditions=holdfast-source', main, ...args];
    const env = { ...environment(directory), HOLDFAST_HOME: join(directory, user), TZ: 'UTC' };
    return ended(spawn('faketime', command, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] }));
  };
  const fetch = async (hours: number, user: string): Promise<string> => {
    const to = join(directory, 'to');
    await mkdir(to, { recursive: true });
    const { code, err } = await at(hours, user, 'download', 'demo==1.0', '--to', to);
    assert.equal(code === 0, err === '', err);
    return err;
  };
  for (const user of ['known', 'new'])
    await holdfast(directory, ['trust', 'add', 'main', served.url, '--root', 'root.json'], {
      HOLDFAST_HOME: join(directory, user),
    });

  // Who has never asked before has only what is signed to compare with.
  assert.match(
    await fetch(-72, 'new'),
    /clock says .*, but demo-1\.0-py3-none-any\.whl was uploaded to main at .*\n {2}Set the clock/,
  );
  assert.equal(await fetch(0, 'known'), '');
  assert.match(await fetch(-2, 'known'), /clock says .*, but at an earlier refresh it said .*\n {2}Set the clock/);
  assert.equal(await fetch(-0.9, 'known'), '');

  // A clock far ahead finds everything expired, and changes nothing.
  assert.match(await fetch(24 * 3650, 'known'), /was valid until/);
  assert.equal(await fetch(0, 'known'), '');

  // One that is a little ahead is believed, and then the right time is refused, until the person says what is right.
  assert.equal(await fetch(20, 'known'), '');
  const refused = await fetch(0, 'known');
  const [, way = ''] = /holdfast (trust forget-time) NAME/.exec(refused) ?? assert.fail(refused);
  const metadata = join(directory, 'known', 'trust', 'main', 'metadata');
  const kept = (await readdir(metadata)).filter((name) => name !== 'latest-time').sort();
  const forgotten = await at(0, 'known', ...way.split(' '), 'main');
  assert.equal(forgotten.code, 0, forgotten.err);
  assert.deepEqual((await readdir(metadata)).sort(), kept);
  assert.equal(await fetch(0, 'known'), '');
  assert.deepEqual(await readFile(join(directory, 'to', wheel.filename)), Buffer.from(wheel.bytes));
  assert.notEqual((await at(0, 'known', ...way.split(' '), 'nowhere')).code, 0);
});
