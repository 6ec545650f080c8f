import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ControlGroup } from './control-group.ts';
import type { BuildLimits } from './limits.ts';

/** Where every system of this decade has them. */
const ROOT = '/sys/fs/cgroup';
const NEEDED = ['memory', 'pids'];
const OWN = 'farm';
const PREFIX = 'build-';

/**
 * Control groups (cgroup v2) that the farm may make for its builds: with them the kernel keeps limits for a whole build, where others hold
 * for each of its processes. They are there when somebody gave the farm a group of its own, such as systemd with `Delegate=yes`.
 */
export class ControlGroups {
  readonly #directory: string;
  #made = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Takes the group in which this process is, when it is alone there and may write it: processes are only in the leaves of such a tree
   * (Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint"), so it goes one down itself. `undefined` where it may not.
   */
  static async find(): Promise<ControlGroups | undefined> {
    const directory = await ownGroup();
    if (directory === undefined || !(await isAlone(directory))) return undefined;
    try {
      await removeLeftovers(directory);
      await mkdir(join(directory, OWN), { recursive: true });
      await writeFile(join(directory, OWN, 'cgroup.procs'), String(process.pid));
      await writeFile(join(directory, 'cgroup.subtree_control'), NEEDED.map((name) => `+${name}`).join(' '));
      return new ControlGroups(directory);
    } catch (error) {
      if (isSystemError(error)) return undefined;
      throw error;
    }
  }

  /** A new one with the limits of a build. */
  async make(limits: BuildLimits): Promise<ControlGroup> {
    this.#made++;
    return ControlGroup.make(join(this.#directory, `${PREFIX}${process.pid}-${this.#made}`), limits);
  }
}

async function ownGroup(): Promise<string | undefined> {
  const lines = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const path = /^0::(\/.*)$/m.exec(lines)?.[1];
  if (path === undefined) return undefined;
  const directory = join(ROOT, path);
  const controllers = await readFile(join(directory, 'cgroup.controllers'), 'utf8').catch(() => '');
  const there = new Set(controllers.trim().split(' '));
  return NEEDED.every((name) => there.has(name)) ? directory : undefined;
}

async function isAlone(directory: string): Promise<boolean> {
  const pids = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  return pids.trim() === String(process.pid);
}

/** Of a farm that was killed: its builds ended with it. */
async function removeLeftovers(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(PREFIX));
  for (const name of names) await rmdir(join(directory, name));
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;
