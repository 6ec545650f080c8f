import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeKeyFile } from '@holdfast/tuf/node';
import { type FarmScene, makeFarmScene, type Person } from '../../build-farm/test/support/farm-scene.ts';
import { backendWheel, realSdist, setuptoolsProject } from '../../build-farm/test/support/projects.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { ended, type Ended, environment, tools } from './holdfast.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const guide = await readFile(join(root, 'docs/guides/build-farm.md'), 'utf8');

/** The shell commands of a section of the guide. */
function commandsOf(heading: string): string {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(heading);
  return Array.from(section.matchAll(/^```sh\n([\s\S]*?)^```/gm), ([, text]) => text).join('');
}

/** Somebody's machine: a directory in which the commands of the guide run as they stand there. */
interface Machine {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Its exit code must be the given one. */
  run(script: string, code?: number): Promise<Ended>;
}

async function machine(t: TestContext, { served }: FarmScene, env: NodeJS.ProcessEnv = {}): Promise<Machine> {
  const directory = await temporaryDirectory(t, 'guide');
  const bin = join(directory, 'bin');
  await mkdir(bin);
  const main = join(root, 'packages/holdfast/src/main.ts');
  const command = `#!/bin/sh\nexec "${process.execPath}" --conditions=holdfast-source "${main}" "$@"\n`;
  await writeFile(join(bin, 'holdfast'), command);
  await chmod(join(bin, 'holdfast'), 0o755);
  await writeFile(join(directory, 'root.json'), served.root);
  const own = { ...environment(directory), PATH: `${bin}:${tools}:/usr/bin:/bin`, ...env };
  const run = async (script: string, code = 0): Promise<Ended> => {
    const text = script
      .replaceAll('/srv/index', served.directory)
      .replaceAll('https://packages.example.com/', `${served.url}/`);
    const finished = await ended(
      spawn('bash', ['-euo', 'pipefail', '-c', text], { cwd: directory, env: own, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    assert.equal(finished.code, code, `${text}\n${finished.out}\n${finished.err}`);
    return finished;
  };
  return { directory, env: own, run };
}

/** A person who has done before what the guide says about accounts and keys. */
async function machineOf(t: TestContext, scene: FarmScene, { home, token, signer }: Person): Promise<Machine> {
  const key = join(scene.directory, `${token}.json`);
  await writeKeyFile(key, signer, undefined);
  const env = { HOLDFAST_HOME: home, HOLDFAST_TOKEN: token, HOLDFAST_KEY: await readFile(key, 'utf8') };
  return machine(t, scene, env);
}

test('the guide leads from nothing to wheels that real pip installs, then to two farms (D8, M13)', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.uploadPlain(await backendWheel('setuptools'));
  await scene.releaseFile(await realSdist(join(scene.directory, 'one'), setuptoolsProject('demo', '1.0')));
  const developer = await machineOf(t, scene, scene.developer);
  // What the guide fetches from an index comes from a directory.
  const offline = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(root, '.tools/build-backends') };
  const farm = await machine(t, scene, { ...offline, HOLDFAST_KEY_PASSPHRASE: 'hyphen velvet cactus orbit lantern' });
  const { out } = await farm.run(commandsOf('Make an account for it'));
  farm.env['HOLDFAST_TOKEN'] = /\bhf_\w+/.exec(out)?.[0] ?? assert.fail(out);
  await farm.run(commandsOf('Prepare the machine'));
  await copyFile(join(farm.directory, 'farm.code'), join(developer.directory, 'farm.code'));
  await developer.run(commandsOf('A project delegates'));
  const { err } = await farm.run(commandsOf('Build'));
  assert.match(err, /published demo-1\.0-py3-none-any\.whl \(project\.demo\.build-farm\)/);

  const user = await machine(t, scene);
  const install = 'holdfast pip install --only-binary :all: --target out demo && PYTHONPATH=out out/bin/demo-says';
  const installed = await user.run(
    `holdfast trust add main https://packages.example.com/ --root root.json && ${install}`,
  );
  assert.match(installed.out, /^demo 1\.0$/m);
  assert.match(installed.err, /verified 1 file from main/);

  const second = await machineOf(t, scene, await scene.person('second'));
  await second.run('holdfast key code main >second.code');
  await copyFile(join(second.directory, 'second.code'), join(developer.directory, 'second.code'));
  await developer.run(commandsOf('Two farms'));
  await scene.releaseFile(await realSdist(join(scene.directory, 'two'), setuptoolsProject('demo', '1.1')));
  assert.match((await farm.run(commandsOf('Build'))).err, /signed demo-1\.1-py3-none-any\.whl .*: 1 of 2 signatures/);
  const once = commandsOf('Build').replace('farm-python', join(farm.directory, 'farm-python'));
  assert.match((await second.run(once)).err, /published demo-1\.1-py3-none-any\.whl/);
});

test('the command that compares wheels does what the guide says', async (t) => {
  const { directory, run } = await machine(t, await makeFarmScene(t));
  const [kept, other] = [join(directory, 'farm-state/wheels/abc'), join(directory, 'other')];
  for (const place of [kept, other]) {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'demo-1.0-py3-none-any.whl'), makeWheel().bytes);
  }
  const compare = commandsOf('When a wheel is not reproduced');
  assert.match((await run(compare)).out, /the same/);
  const evil = makeWheel({ extra: [['demo/evil.py', '']] });
  await writeFile(join(other, evil.filename), evil.bytes);
  assert.match((await run(compare, 1)).out, /^demo\/evil\.py +only in the second/m);
});
