import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type BuildOptions, buildWheel } from '../src/build/build-wheel.ts';
import { findPython } from '../src/build/python.ts';
import { bubblewrapIsolation } from '../src/sandbox/isolation.ts';
import { ownBackend, PYTHON } from './support/projects.ts';
import { makeScene } from './support/scene.ts';

// A place of this file's own, where nobody else builds meanwhile.
const own = await mkdtemp(join(tmpdir(), 'holdfast-isolation-'));
process.env['TMPDIR'] = own;
after(() => rm(own, { recursive: true, force: true }));

const python = await findPython(PYTHON);
const isolation = await bubblewrapIsolation({ python });
/** As root in a namespace has them by its number alone, too. */
const UNWRITABLE = [
  '/x',
  '/usr/x',
  '/in/x',
  '/dev/x',
  '/etc/x',
  '/proc/sys/kernel/core_pattern',
  '/proc/sysrq-trigger',
];
const MiB = 1024 ** 2;

test('a build sees no file, process, address or variable of the machine, and writes only where it is gone afterwards (D8)', async (t) => {
  const { client, add, directory } = await makeScene(t);
  const server = createServer((socket) => socket.on('error', () => {}).end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const key = join(directory, 'key.json');
  await writeFile(key, 'secret');
  const probes = Object.entries({
    file: `os.path.exists(${JSON.stringify(key)})`,
    home: `os.path.exists(${JSON.stringify(join(homedir(), '.ssh'))}) or os.environ["HOME"] != "/build/home"`,
    etc: 'set(os.listdir("/etc")) - {"alternatives", "group", "ld.so.cache", "passwd"}',
    user: 'os.getuid() != 1000',
    'not the first to go when memory runs out': 'open("/proc/self/oom_score_adj").read() != "1000\\n"',
    processes:
      '[p for p in os.listdir("/proc") if p.isdigit() and b"node" in open("/proc/%s/cmdline" % p, "rb").read()]',
    loopback: `socket.create_connection(("127.0.0.1", ${port}), 2)`,
    interfaces: '[name for _, name in socket.if_nameindex() if name != "lo"]',
    variables: '[name for name in os.environ if name.startswith(("HOLDFAST", "NODE", "npm"))]',
    namespaces: 'subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL).returncode == 0',
    capabilities: 'int(open("/proc/self/status").read().split("CapEff:")[1].split()[0], 16)',
    'memory of the kernel': 'open("/proc/kcore", "rb").read(1)',
    keys: 'open("/proc/keys", "rb").read(1)',
    ...Object.fromEntries(UNWRITABLE.map((path) => [`writes ${path}`, `open("${path}", "a")`])),
  });
  const head = 'def seen(what):\n    try:\n        return bool(what())\n    except OSError:\n        return False';
  const lines = probes.map(([name, probe]) => `if seen(lambda: ${probe}): found.append("${name}")`);
  const body = ['found = []', ...lines, 'return sound(out, repr(found))'].join('\n');
  const sdist = await add(ownBackend(body, { head }));
  const wheel = await buildWheel(sdist, { client, python, isolation });
  assert.match(wheel.bytes.toString('latin1'), /hostile\.py\[\]/);
  const open = await add(ownBackend(body, { head, version: '1.1' }));
  const allowed = await buildWheel(open, { client, python, isolation, network: true });
  assert.match(
    allowed.bytes.toString('latin1'),
    /hostile\.py\['etc', 'loopback'/,
    'the network is there once it is allowed',
  );
});

/** What a build may not take, and what stops it. */
const greedy: readonly (readonly [limit: string, body: string, limits: NonNullable<BuildOptions['limits']>])[] = [
  ['time', 'time.sleep(60)', { seconds: 2 }],
  ['time', 'subprocess.Popen(["sleep", "60"], start_new_session=True)\ntime.sleep(60)', { seconds: 2 }],
  ['log', 'while True: print("x" * 65536)', { logBytes: MiB }],
  ['output', 'n = sound(out)\nopen(os.path.join(out, n), "ab").truncate(8 << 20)\nreturn n', { wheelBytes: MiB }],
  [
    'memory',
    'hogs = [subprocess.Popen([sys.executable, "-c", "x = bytearray(90 << 20); import time; time.sleep(60)"]) for _ in range(4)]\ntime.sleep(60)',
    { memoryBytes: 200 * MiB },
  ],
];

for (const [at, [limit, body, limits]] of greedy.entries()) {
  test(`ends a build that takes too much: ${limit} (${at})`, async (t) => {
    const { client, add } = await makeScene(t);
    const sdist = await add(ownBackend(body));
    await assert.rejects(buildWheel(sdist, { client, python, isolation, limits }), { code: 'BUILD_LIMIT', limit });
    assert.deepEqual(
      (await readdir(tmpdir())).filter((name) => name.startsWith('holdfast-build-') && !name.includes('farm')),
      [],
    );
  });
}

/** What the kernel refuses to a build, which then fails by itself. */
const refused: readonly (readonly [body: string, limits: NonNullable<BuildOptions['limits']>, log: RegExp])[] = [
  ['x = bytearray(300 << 20)', { memoryBytes: 200 * MiB }, /MemoryError/],
  ['open("/build/big", "wb").write(b"x" * (90 << 20))', { diskBytes: 80 * MiB }, /No space left|File too large/],
  [
    'for n in range(90): open("/build/big%d" % n, "wb").write(b"x" * (1 << 20))',
    { diskBytes: 80 * MiB },
    /No space left/,
  ],
  ['open("/dev/shm/big", "wb").write(b"x" * (90 << 20))', {}, /No space left/],
];

for (const [at, [body, limits, log]] of refused.entries()) {
  test(`lets a build fail that wants too much (${at})`, async (t) => {
    const { client, add } = await makeScene(t);
    const sdist = await add(ownBackend(body));
    await assert.rejects(
      buildWheel(sdist, { client, python, isolation, limits }),
      (error: { code?: string; log?: string }) => {
        assert.equal(error.code, 'BUILD_FAILED');
        assert.match(error.log ?? '', log);
        return true;
      },
    );
  });
}

test('refuses to build where builds cannot be isolated, and says what to do', async (t) => {
  await assert.rejects(bubblewrapIsolation({ python, program: '/nowhere/bwrap' }), {
    code: 'ISOLATION_UNAVAILABLE',
    remedy: /bubblewrap/,
  });
  const { directory } = await makeScene(t);
  await mkdir(join(directory, 'bin'));
  const broken = join(directory, 'bin', 'bwrap');
  await writeFile(broken, '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n');
  await chmod(broken, 0o755);
  await assert.rejects(bubblewrapIsolation({ python, program: broken }), {
    code: 'ISOLATION_UNAVAILABLE',
    message: /Permission denied/,
    remedy: /user\.max_user_namespaces/,
  });
});

test('refuses a Python that cannot build', async () => {
  await assert.rejects(findPython('/nowhere/python'), { code: 'BUILD_TOOLS' });
  await assert.rejects(findPython('/bin/echo'), { code: 'BUILD_TOOLS' });
});
