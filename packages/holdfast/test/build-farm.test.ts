import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { normalizeName } from '@holdfast/python-index';
import { writeKeyFile } from '@holdfast/tuf/node';
import { type FarmScene, makeFarmScene } from '../../build-farm/test/support/farm-scene.ts';
import { ownBackend } from '../../build-farm/test/support/projects.ts';
import { ended, environment, holdfast, start, tools } from './holdfast.ts';

const python = join(tools, 'python');
const isRoot = process.getuid?.() === 0;

/** A farm to which `demo` delegated its wheels, as its machine has it. */
interface Machine {
  readonly scene: FarmScene;
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly args: readonly string[];
}

async function machine(t: TestContext, ...bodies: readonly string[]): Promise<Machine> {
  const scene = await makeFarmScene(t);
  for (const [at, body] of bodies.entries())
    await scene.releaseFile(ownBackend(body, { name: 'demo', version: `1.${at}` }));
  const farm = await scene.person('farm');
  const key = join(scene.directory, 'farm-key.json');
  await writeKeyFile(key, farm.signer, undefined);
  await scene.delegateWheels('demo', [farm]);
  const env = { HOLDFAST_HOME: farm.home, HOLDFAST_TOKEN: farm.token, HOLDFAST_KEY: await readFile(key, 'utf8') };
  const args = ['build-farm', '--state', 'state', '--python', python];
  return { scene, directory: scene.directory, env, args };
}

/** What a farm tells with --json. */
interface Told {
  readonly event: string;
  readonly sdist?: string;
}

const toldIn = (text: string): readonly Told[] =>
  text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Told] : []));

test('goes on where it was after kill -9 at any point, builds nothing twice, publishes nothing twice', async (t) => {
  const { scene, directory, env, args } = await machine(t, 'return sound(out)', 'return sound(out)');
  const told: Told[] = [];
  for (const event of ['followed', 'building', 'built']) {
    const child = start(directory, [...args, '--json', '--once'], env);
    child.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(`"event":"${event}"`)) child.kill('SIGKILL');
    });
    const { code, err } = await ended(child);
    assert.notEqual(code, 0, event);
    told.push(...toldIn(err));
  }
  const { code, out, err } = await holdfast(directory, [...args, '--json', '--once'], env);
  assert.equal(code, 0, err);
  told.push(...toldIn(err));
  const builds = JSON.parse(out) as { standing: string }[];
  assert.deepEqual(
    builds.map(({ standing }) => standing),
    ['published', 'published'],
  );
  const built = told.filter(({ event }) => event === 'built').map(({ sdist }) => sdist);
  assert.equal(new Set(built).size, built.length, 'what was built is not built again');
  assert.equal((await holdfast(directory, [...args, '--json', '--once'], env)).code, 0);
  const { roles } = await scene.developer.bench.client.signing(normalizeName('demo'));
  assert.equal(roles.find(({ role }) => role.endsWith('.build-farm'))?.signed?.version, 1, 'signed and sent once');
  const status = JSON.parse(await readFile(join(directory, 'state/status.json'), 'utf8')) as { builds: unknown };
  assert.deepEqual(status.builds, builds);
  const metrics = await readFile(join(directory, 'state/metrics.prom'), 'utf8');
  assert.match(metrics, /^holdfast_build_farm_builds\{standing="published"\} 2$/m);
});

// What it starts leaves its session and closes what it was given: nothing but the end of the sandbox ends it.
const HANGS = `quiet = subprocess.DEVNULL
subprocess.Popen(["sleep", "86399"], start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet)
time.sleep(86399)`;

test('a build ends with the farm that is killed, with all that it started, and its files go at the next start', async (t) => {
  const { directory, env, args } = await machine(t, HANGS);
  const child = start(directory, [...args, '--once'], env);
  const end = ended(child);
  await until(async () => (await sleepers(directory)) === 1);
  child.kill('SIGKILL');
  await end;
  await until(async () => (await sleepers(directory)) === 0);
  assert.equal((await readdir(join(directory, 'state/scratch'))).length, 1);
  const limited = await holdfast(directory, [...args, '--once', '--timeout', '3s'], env);
  assert.match(limited.err, /try 2[\s\S]*more time than 3 s/);
  await until(async () => (await sleepers(directory)) === 0);
  assert.deepEqual(await readdir(join(directory, 'state/scratch')), []);
});

/** Of this test's builds: those whose sandbox was made from its directory, whoever else sleeps on this machine. */
async function sleepers(directory: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (pid: string, name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
  const found = await Promise.all(
    pids.map(
      async (pid) =>
        (await read(pid, 'cmdline')) === 'sleep\x0086399\0' &&
        (await read(pid, 'mountinfo')).includes(basename(directory)),
    ),
  );
  return found.filter(Boolean).length;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'it does not come to that');
    await pause(100);
  }
}

test('serves until it is stopped, sees a new sdist by the feed, and ends a build with itself', async (t) => {
  const { scene, directory, env, args } = await machine(t, 'return sound(out)');
  const child = start(directory, [...args, '--every', '1s'], env);
  const [published, building] = [said(child, /published demo-1\.0/), said(child, /building demo-2\.0/)];
  const end = ended(child);
  await published;
  const other = await holdfast(directory, [...args, '--once'], env);
  assert.equal(other.code, 1);
  assert.match(other.err, /another build farm works in/);
  await scene.releaseFile(ownBackend('time.sleep(600)', { name: 'demo', version: '2.0' }));
  await building;
  child.kill('SIGTERM');
  const { code, out } = await end;
  assert.equal(code, 0);
  assert.match(out, /Building for key [0-9a-f]{64}[\s\S]*(in a control group|five times a second)/);
});

function said(child: ReturnType<typeof start>, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (what.test(text)) resolve();
    });
    child.once('close', () => reject(new Error(text)));
  });
}

test('ends with 1 when a build failed, and refuses to run where it cannot', async (t) => {
  const { directory, env, args } = await machine(t, 'raise ValueError("no wheel today")');
  const { code, err } = await holdfast(directory, [...args, '--once'], env);
  assert.equal(code, 1);
  assert.match(err, /FAILED demo-1\.0\.tar\.gz: the build failed \(build\)/);
  assert.match(await readFile(join(directory, 'state/status.json'), 'utf8'), /ValueError: no wheel today/);
  const log = /What it said: (\S+)/.exec(err)?.[1] ?? '';
  assert.match(await readFile(join(directory, log), 'utf8'), /Traceback[\s\S]*ValueError: no wheel today/);

  const bin = join(directory, 'bin');
  await mkdir(bin);
  for (const program of ['id', 'setpriv', 'true']) await symlink(`/usr/bin/${program}`, join(bin, program));
  const without = await holdfast(directory, [...args, '--once'], { ...env, PATH: bin });
  assert.equal(without.code, 1);
  assert.match(without.err, /builds cannot be isolated on this machine[\s\S]*bubblewrap/);
  const unsafe = await holdfast(directory, [...args, '--once', '--unsafe-no-isolation'], { ...env, PATH: bin });
  assert.match(unsafe.err, isRoot ? /runs as root[\s\S]*user of its own/ : /UNSAFE/);
  const none = await holdfast(directory, ['build-farm', '--state', 'state', '--python', '/bin/true'], env);
  assert.match(none.err, /cannot build: .*\n.*python3 -m venv/);
  assert.equal((await holdfast(directory, ['build-farm'], env)).code, 2);
});

test('as root it becomes somebody else before it builds, or refuses and says what to do', async (t) => {
  const { directory, env } = await machine(t, 'return sound(out)');
  const args = ['build-farm', '--state', 'state', '--python', python, '--once'];
  const other = await holdfast(directory, [...args, '--build-user', isRoot ? 'root' : 'nobody'], env);
  assert.equal(other.code, 1);
  assert.match(other.err, isRoot ? /do not run as root[\s\S]*--build-user/ : /only root can build as another user/);
  // Root of a namespace in which there is nobody else.
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const alone = ['--user', '--map-root-user', process.execPath, '--conditions=holdfast-source', main, ...args];
  const { code, err } = await ended(
    spawn('unshare', alone, {
      cwd: directory,
      env: { ...environment(directory), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  assert.equal(code, 1);
  assert.match(err, /runs as root and cannot become nobody: setpriv[\s\S]*without root/);
});
