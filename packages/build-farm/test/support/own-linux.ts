import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from '../../../index/test/support/tools.ts';

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));

/** What a new machine lacks: kernel interfaces, and places to write. All else it reads from this machine's disk. */
const INIT = (script: string, temporary: string): string => `#!/bin/sh
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME='${temporary}' TMPDIR='${temporary}'
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs '${temporary}'
mount -t cgroup2 none /sys/fs/cgroup
cd '${REPOSITORY}'
'${process.execPath}' --conditions=holdfast-source '${script}'
echo o >/proc/sysrq-trigger
sleep 60
`;

/**
 * Runs a script as root of a Linux of its own (User Mode Linux: the real kernel as an ordinary program, up in a second), for what only
 * the administrator of a machine gives a farm. @returns what the script printed as `RESULT` and one line of JSON
 */
export async function inOwnLinux(t: TestContext, script: string): Promise<unknown> {
  const directory = await temporaryDirectory(t, 'linux');
  const init = join(directory, 'init');
  const temporary = join(directory, 'tmp');
  await mkdir(temporary);
  await writeFile(init, INIT(script, temporary));
  await chmod(init, 0o755);
  const machine = ['mem=1G', 'rootfstype=hostfs', 'root=/dev/root', 'rootflags=/', 'ro', `init=${init}`];
  const terminal = ['con=null', 'con0=null,fd:1', 'console=tty0', 'quiet'];
  // Its memory is a file, sparse and already removed.
  const env = { HOME: directory, TMPDIR: directory, PATH: process.env['PATH'] ?? '' };
  const child = spawn('linux.uml', [...machine, ...terminal], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), 120_000);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  clearTimeout(timer);
  const line = /^RESULT (.*?)\r?$/m.exec(said)?.[1];
  if (line === undefined) throw new Error(`the script did not end:\n${said}`);
  return JSON.parse(line);
}
