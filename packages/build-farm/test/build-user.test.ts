import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { buildWheel } from '../src/build/build-wheel.ts';
import { findPython } from '../src/build/python.ts';
import { findBuildUser } from '../src/sandbox/build-user.ts';
import { bubblewrapIsolation, type Isolation } from '../src/sandbox/isolation.ts';
import { countTasks } from '../src/sandbox/process-tree.ts';
import { tryIsolation } from '../src/sandbox/trial.ts';
import { ownBackend, PYTHON } from './support/projects.ts';
import { makeScene } from './support/scene.ts';

const python = await findPython(PYTHON);
const isolation = await bubblewrapIsolation({ python });
const uid = process.getuid?.() ?? -1;
const asRoot = { skip: uid === 0 ? false : 'only root becomes somebody else; this test run is not root' };

/** Who is asked for too much here starts 300 processes at most, so that this machine goes on where the limit does not hold. */
const SLEEPERS = `
started = 0
try:
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        started += 1
except OSError as error:
    return sound(out, "started %d: %s" % (started, error.strerror))
return sound(out, "started %d" % started)`;

// What comes after `setpriv` is what a farm that is not root runs: this shows both.
test('the kernel lets a build have no more processes than it may, also where the farm runs as root', async (t) => {
  const { client, add } = await makeScene(t);
  const sdist = await add(ownBackend(SLEEPERS));
  const limits = { processes: 100, seconds: 30 };
  const { bytes } = await buildWheel(sdist, { client, python, isolation, limits });
  const [, count, reason] = /started (\d+)(: Resource temporarily unavailable)?/.exec(bytes.toString('latin1')) ?? [];
  assert.ok(Number(count) >= 90 && Number(count) < 100, `${count} of 100`);
  assert.ok(reason, 'the kernel refused the next one');
});

test('a build is not root for the machine, although its files and its Python may be where only root gets', async (t) => {
  const input = await temporaryDirectory(t, 'input');
  await chmod(input, 0o755);
  const surroundings = { readable: python.directories, input, diskBytes: 1 << 20, network: false };
  const code = 'import time; print("up", flush=True); time.sleep(60)';
  const [program = '', ...args] = await isolation.wrap([python.executable, '-I', '-c', code], new Map(), surroundings);
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => assert.fail('it ended'))]);
  const owners = await ownersOf(code);
  assert.deepEqual([...owners], [String(isolation.user?.uid ?? uid)]);
  assert.notEqual(isolation.user?.uid ?? uid, 0);
});

/** Who runs the processes with this argument, but for those that only make the sandbox. */
async function ownersOf(argument: string): Promise<ReadonlySet<string>> {
  const owners = new Set<string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
    const words = (await read('cmdline')).split('\0');
    if (words[0] === python.executable && words.includes(argument))
      owners.add(/^Uid:\t(\d+)/m.exec(await read('status'))?.[1] ?? '');
  }
  return owners;
}

test('builds whatever file modes the farm gives its files', async (t) => {
  const { client, add } = await makeScene(t);
  const sdist = await add(ownBackend('return sound(out)'));
  const mask = process.umask(0o077);
  t.after(() => process.umask(mask));
  assert.equal((await buildWheel(sdist, { client, python, isolation })).name.kind, 'wheel');
});

test('root becomes the user that was named, and nobody who is root or is not there', asRoot, async () => {
  assert.deepEqual(await findBuildUser(), { name: 'nobody', uid: 65534, gid: 65534 });
  assert.deepEqual(await findBuildUser('54321'), { name: '54321', uid: 54321, gid: 54321 });
  const refused = { code: 'ISOLATION_UNAVAILABLE', remedy: /--build-user|without root/ };
  for (const name of ['root', '0', 'no-such-user', '-u', '4294967295'])
    await assert.rejects(findBuildUser(name), refused);
});

test('who is not root builds as itself, and cannot ask for another', async () => {
  assert.equal(await findBuildUser(undefined, 1000), undefined);
  await assert.rejects(findBuildUser('nobody', 1000), { code: 'ISOLATION_UNAVAILABLE', message: /only root/ });
});

test('does not begin where the kernel holds nobody to a number of processes', asRoot, async () => {
  const wrap: Isolation['wrap'] = async (...all) => {
    const command = await isolation.wrap(...all);
    return command.map((word, at) => (/^--re[ug]id$/.test(command[at - 1] ?? '') ? '0' : word));
  };
  await assert.rejects(tryIsolation({ ...isolation, wrap }, python), {
    code: 'ISOLATION_UNAVAILABLE',
    message: /no limit on the number of processes/,
    remedy: /without root/,
  });
});

test('says so when builds cannot read the Python', async (t) => {
  const directory = await temporaryDirectory(t, 'python');
  const executable = join(directory, 'python');
  await symlink(python.executable, executable);
  await chmod(directory, 0o000);
  const shut = { ...python, executable, directories: [...python.directories, directory] };
  await assert.rejects(bubblewrapIsolation({ python: shut }), {
    code: 'ISOLATION_UNAVAILABLE',
    message: /does not run in the sandbox/,
    remedy: /chmod -R a\+rX/,
  });
});

test('counts the tasks of a user as the kernel does', async () => {
  const before = await countTasks(uid);
  assert.ok(before >= 5, 'the threads of this process alone');
  assert.equal(await countTasks(4_000_000_000), 0);
});
