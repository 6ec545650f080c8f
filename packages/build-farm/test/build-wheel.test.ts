import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { VerifiedDistribution } from '@holdfast/installer';
import { findPython } from '../src/build/python.ts';
import { type BuildOptions, type BuiltWheel, buildWheel } from '../src/build/build-wheel.ts';
import { bubblewrapIsolation, noIsolation } from '../src/sandbox/isolation.ts';
import { backendWheel, flitProject, ownBackend, PYTHON, realSdist, setuptoolsProject } from './support/projects.ts';
import { makeScene, type Scene } from './support/scene.ts';

const python = await findPython(PYTHON);
const isolation = await bubblewrapIsolation({ python });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Builds sdists of the test's own index. */
async function farm(
  t: TestContext,
): Promise<Scene & { build(sdist: VerifiedDistribution, options?: Partial<BuildOptions>): Promise<BuiltWheel> }> {
  const scene = await makeScene(t);
  const build = (sdist: VerifiedDistribution, options: Partial<BuildOptions> = {}) =>
    buildWheel(sdist, { client: scene.client, python, isolation, ...options });
  return { ...scene, build };
}

const epochOf = (text: string): number => Date.parse(text) / 1000;

test('builds real projects of two backends, twice the same to the bit, with build requirements from the index only (M13)', async (t) => {
  const { add, build, directory } = await farm(t);
  await add(await backendWheel('setuptools'));
  await add(await backendWheel('flit_core'));
  const plain = await add(await realSdist(join(directory, 'plain'), flitProject('plain', '1.0')));
  const packed = await add(await realSdist(join(directory, 'packed'), setuptoolsProject('packed', '2.1')));
  const [first, again] = [await build(plain), await build(plain)];
  assert.equal(sha256(first.bytes), sha256(again.bytes));
  assert.equal(first.filename, 'plain-1.0-py3-none-any.whl');
  assert.equal(first.epoch, epochOf('2026-02-03T04:05:06Z'), 'the newest time in the sdist');
  const [other, otherAgain] = [await build(packed), await build(packed)];
  assert.equal(sha256(other.bytes), sha256(otherAgain.bytes));
  assert.equal(other.metadata.fields.summary, 'A project with data and a script');
  assert.deepEqual(
    other.requirements.map((name) => name.split('-')[0]),
    ['setuptools'],
  );
});

test('chooses build requirements among what the index had before the sdist, so that a later farm chooses the same', async (t) => {
  const { add, build } = await farm(t);
  const backend = await backendWheel('flit_core');
  const sdist = await add(ownBackend('return sound(out)', { requires: ['flit_core'] }));
  await add(backend);
  await assert.rejects(build(sdist), { code: 'BUILD_REQUIREMENTS', message: /flit_core/ });
  const later = await add(ownBackend('return sound(out)', { version: '1.1', requires: ['flit_core'] }));
  assert.deepEqual((await build(later)).requirements, [backend.filename]);
});

test('takes a backend that names more when it is asked, and refuses one that never has enough', async (t) => {
  const { add, build } = await farm(t);
  await add(await backendWheel('flit_core'));
  const asks = 'def get_requires_for_build_wheel(config_settings=None): return ["flit_core"]';
  const uses = 'import flit_core\nreturn sound(out)';
  assert.equal((await build(await add(ownBackend(uses, { head: asks })))).requirements.length, 1);
  const endless =
    'def get_requires_for_build_wheel(config_settings=None): return ["flit_core!=9.%d" % int(time.time() * 1000)]';
  const sdist = await add(ownBackend(uses, { head: endless, version: '1.1' }));
  await assert.rejects(build(sdist), { code: 'BUILD_REQUIREMENTS', message: /always asks for more/ });
});

test('keeps times of the sdist between 1980 and its upload', async (t) => {
  const { add, build, directory } = await farm(t);
  await add(await backendWheel('flit_core'));
  const epoch = 'return sound(out, os.environ["SOURCE_DATE_EPOCH"])';
  assert.equal((await build(await add(ownBackend(epoch)))).epoch, epochOf('1980-01-01T00:00:00Z'));
  const files = flitProject('later', '1.0');
  const sdist = await add(await realSdist(join(directory, 'later'), files, new Date('2040-01-01T00:00:00Z')));
  assert.equal((await build(sdist)).epoch, Math.floor(sdist.uploadTime.getTime() / 1000));
});

test('refuses a wheel that is not one of its sdist', async (t) => {
  const { add, build } = await farm(t);
  const wrong: readonly (readonly [body: string, why: RegExp])[] = [
    ['return sound(out, name="other")', /one of other/],
    ['return sound(out, version="1.99")', /version is 1\.99/],
    ['return sound(out, summary="Large")', /Summary/],
    ['return sound(out, requires="Requires-Dist: evil\\n")', /Requires-Dist/],
    ['n = sound(out)\nopen(os.path.join(out, n), "ab").write(b"more")\nreturn n', /bytes|archive|end/],
  ];
  for (const [at, [body, message]] of wrong.entries()) {
    const sdist = await add(ownBackend(body, { version: `1.${at}` }));
    await assert.rejects(build(sdist), { code: 'WRONG_WHEEL', message }, body);
  }
});

test('says which step failed and keeps what the build said', async (t) => {
  const { add, build } = await farm(t);
  const failed: readonly (readonly [body: string, step: string, log: RegExp])[] = [
    ['print("so far")\nraise ValueError("no wheel today")', 'build', /so far[\s\S]*no wheel today/],
    ['sound(out)\nopen(os.path.join(out, "second.txt"), "w").close()\nreturn "x"', 'result', /^$/],
    [
      'n = sound(out)\nos.rename(os.path.join(out, n), "/build/w")\nos.symlink("/etc/passwd", os.path.join(out, n))\nreturn n',
      'result',
      /^$/,
    ],
    ['os.kill(os.getppid(), 9)', 'run', /^$/],
  ];
  for (const [at, [body, step, log]] of failed.entries()) {
    const sdist = await add(ownBackend(body, { version: `1.${at}` }));
    await assert.rejects(build(sdist), (error: { code?: string; step?: string; log?: string }) => {
      assert.deepEqual([error.code, error.step], ['BUILD_FAILED', step], body);
      assert.match(error.log ?? '', log);
      return true;
    });
  }
});

test('refuses build requirements that would come from elsewhere than the index', async (t) => {
  const { add, build, served } = await farm(t);
  for (const [at, requirement] of [
    `evil @ ${served.url}/x.whl`,
    '--index-url=https://evil.example',
    '-r /etc/passwd',
    './local',
    'git+https://evil.example/x',
  ].entries()) {
    const sdist = await add(ownBackend('return sound(out)', { version: `1.${at}`, requires: [requirement] }));
    await assert.rejects(build(sdist), (error: { code?: string }) => {
      assert.match(error.code ?? '', /^BUILD_(REQUIREMENTS|FAILED)$/, requirement);
      return true;
    });
  }
});

test('without isolation, which root may not choose, the build still has a home, an environment and limits of its own', async (t) => {
  const { add, build } = await farm(t);
  const body = 'return sound(out, "\\n".join("%s=%s" % each for each in sorted(os.environ.items())))';
  process.env['HOLDFAST_SECRET_OF_THE_FARM'] = 'secret';
  t.after(() => delete process.env['HOLDFAST_SECRET_OF_THE_FARM']);
  const { bytes } = await build(await add(ownBackend(body)), { isolation: noIsolation(1000) });
  const text = bytes.toString('latin1');
  assert.match(text, /PYTHONHASHSEED=0/);
  assert.doesNotMatch(text, /HOLDFAST|secret/);
  assert.throws(() => noIsolation(0), { code: 'ISOLATION_UNAVAILABLE', remedy: /user of its own/ });
  const slow = await add(ownBackend('time.sleep(60)', { version: '1.1' }));
  await assert.rejects(build(slow, { isolation: noIsolation(1000), limits: { seconds: 1 } }), {
    code: 'BUILD_LIMIT',
    limit: 'time',
  });
});
