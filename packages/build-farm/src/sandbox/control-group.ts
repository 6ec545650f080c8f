import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BuildLimits } from './limits.ts';
import { OF_THE_SANDBOX, SHARED, SHARED_BYTES } from './places.ts';

const JOIN = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
const LOOK_MS = 10;

/** The control group of one build: everything that the build starts is in it, wherever it goes. */
export class ControlGroup {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** What a build writes lies in memory and counts as such, also memory that no process has in its address space (memfd, pipes). */
  static async make(directory: string, { memoryBytes, diskBytes, processes }: BuildLimits): Promise<ControlGroup> {
    await mkdir(directory);
    const set = (name: string, value: number): Promise<void> => writeFile(join(directory, name), String(value));
    await set('memory.max', memoryBytes + diskBytes + SHARED.length * SHARED_BYTES);
    // Not there on a kernel without swap.
    if (await isThere(join(directory, 'memory.swap.max'))) await set('memory.swap.max', 0);
    // All or nothing: a build that lost one of its processes would make who knows what.
    await set('memory.oom.group', 1);
    await set('pids.max', processes + OF_THE_SANDBOX);
    return new ControlGroup(directory);
  }

  /** The command line that joins the group, then goes on as this one. */
  wrap(command: readonly string[]): readonly string[] {
    return ['sh', '-c', JOIN, this.directory, ...command];
  }

  /** Whether the kernel ended it because it took too much memory. */
  async ranOutOfMemory(): Promise<boolean> {
    const events = await readFile(join(this.directory, 'memory.events'), 'utf8');
    return !/^oom_kill 0$/m.test(events);
  }

  /** Ends everything in it, and waits until it has ended. */
  async remove(): Promise<void> {
    await writeFile(join(this.directory, 'cgroup.kill'), '1');
    while (/^populated 1$/m.test(await readFile(join(this.directory, 'cgroup.events'), 'utf8'))) await pause(LOOK_MS);
    await rmdir(this.directory);
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
