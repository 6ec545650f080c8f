import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPython } from '../../src/build/python.ts';
import type { ControlGroup } from '../../src/sandbox/control-group.ts';
import { ControlGroups } from '../../src/sandbox/control-groups.ts';
import { bubblewrapIsolation, type Isolation, noIsolation } from '../../src/sandbox/isolation.ts';
import { type BuildLimits, DEFAULT_BUILD_LIMITS } from '../../src/sandbox/limits.ts';
import { supervise } from '../../src/sandbox/supervise.ts';
import { PYTHON } from './projects.ts';

// Runs as root of a machine of its own, and prints what happened: see control-groups.test.ts.

const SERVICE = '/sys/fs/cgroup/farm.service';
const MiB = 1024 ** 2;
const wide = { ...DEFAULT_BUILD_LIMITS, seconds: 60, memoryBytes: 512 * MiB, diskBytes: 16 * MiB, processes: 20 };
const small = { ...wide, memoryBytes: 48 * MiB };

/** Memory that is in no process' address space. */
const HIDDEN = `
import os
held = [os.memfd_create("held") for _ in range(5)]
for each in held:
    for _ in range(50): os.write(each, b"x" * (1 << 20))
print("all of it")`;

const FORKS = `
import os, time
started = 0
try:
    for _ in range(60):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        started += 1
except OSError: pass
print(started)`;

const STRAY = `
import subprocess, time
subprocess.Popen(["sleep", "4321"], start_new_session=True)
time.sleep(0.2)
print("left")`;

// As systemd does for the services that it delegates groups to.
await mkdir(SERVICE);
await writeFile('/sys/fs/cgroup/cgroup.subtree_control', '+memory +pids');
const before = (await ControlGroups.find()) !== undefined;
await writeFile(`${SERVICE}/cgroup.procs`, String(process.pid));
const other = spawn('sleep', ['600']);
await once(other, 'spawn');
const withOthers = (await ControlGroups.find()) !== undefined;
other.kill();
await once(other, 'exit');
await mkdir(`${SERVICE}/build-1-1`);
const groups = await ControlGroups.find();
const leftovers = (await readdir(SERVICE)).filter((name) => name.startsWith('build-'));

const python = await findPython(PYTHON);
const isolation = await bubblewrapIsolation({ python });
const input = await mkdtemp(join(tmpdir(), 'input-'));
await chmod(input, 0o755);

async function run(code: string, shut: Isolation, limits: BuildLimits, group?: ControlGroup): Promise<string> {
  const surroundings = { readable: python.directories, input, diskBytes: limits.diskBytes, network: false };
  const environment = new Map([['PATH', '/usr/bin:/bin']]);
  const [program = '', ...args] = await shut.wrap([python.executable, '-I', '-c', code], environment, surroundings);
  const command = { program, args, environment: Object.fromEntries(environment), directory: input, group };
  try {
    const { code: exit, output } = await supervise(command, limits);
    return `${exit} ${output.toString('utf8').trim()}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function grouped(code: string, shut: Isolation, limits: BuildLimits): Promise<string> {
  const group = await groups?.make(limits);
  const said = await run(code, shut, limits, group);
  await group?.remove();
  return said;
}

async function sleepers(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return lines.filter((line) => line === 'sleep\x004321\0').length;
}

const open = noIsolation(1000);
const result = {
  before,
  withOthers,
  found: groups !== undefined,
  leftovers,
  hiddenWithout: await run(HIDDEN, isolation, small),
  hidden: await grouped(HIDDEN, isolation, small),
  fine: await grouped('print("fine")', isolation, small),
  forks: await grouped(FORKS, open, wide),
  stray: await grouped(STRAY, open, wide),
  sleepers: await sleepers(),
  strayWithout: await run(STRAY, open, wide),
  sleepersWithout: await sleepers(),
  after: (await readdir(SERVICE)).filter((name) => name.startsWith('build-')),
};
process.stdout.write(`\nRESULT ${JSON.stringify(result)}\n`);
