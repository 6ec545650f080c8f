import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { ended } from './holdfast.ts';

const launcher = fileURLToPath(new URL('../bin/holdfast.js', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
/** The machine's Node is too old; the pinned one, which is started without this, is not. */
const old = `data:text/javascript,if(!process.env.PINNED)Object.defineProperty(process,'versions',{value:{node:'20.1.0'}});process.env.PINNED=1`;
/** In place of the command: says who it is, and how it was told to stop. */
const main = `
const alive = setInterval(() => {}, 1000);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(name, () => { process.stdout.write(name + ' of ' + process.argv.slice(2).join(' ')); clearInterval(alive); process.exitCode = 7; });
process.stdout.write('pid ' + process.pid + '\\n');
`;

async function launch(t: TestContext): Promise<{ child: ChildProcess; real: number; end: ReturnType<typeof ended> }> {
  const directory = await temporaryDirectory(t, 'launcher');
  await mkdir(join(directory, 'bin'));
  await mkdir(join(directory, 'dist'));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await writeFile(join(directory, 'dist/main.js'), main);
  await copyFile(launcher, join(directory, 'bin/holdfast.js'));
  await symlink(modules, join(directory, 'node_modules'));
  const child = spawn(process.execPath, ['--import', old, join(directory, 'bin/holdfast.js'), 'serve', 'my index'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = ended(child);
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, real: Number(/^pid (\d+)\n/.exec(first.toString())?.[1]), end };
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`under a Node that is too old, ${name} reaches the command, and its exit code is told`, async (t) => {
    const { child, real, end } = await launch(t);
    assert.notEqual(real, child.pid, 'the pinned Node runs beside the launcher');
    child.kill(name);
    const { code, out, err } = await end;
    assert.deepEqual([code, out, err], [7, `pid ${real}\n${name} of serve my index`, '']);
  });
}

test('under a Node that is too old, a command that is killed is told as killed', async (t) => {
  const { child, real, end } = await launch(t);
  const exit = once(child, 'exit');
  process.kill(real, 'SIGKILL');
  await end;
  assert.deepEqual(await exit, [null, 'SIGKILL']);
});
