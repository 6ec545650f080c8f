import { readdir, readFile } from 'node:fs/promises';

/** What a process and everything that it started take now. */
export interface TreeSize {
  readonly processes: number;
  /** Resident memory of all of them, in bytes; pages that they share count for each. */
  readonly memoryBytes: number;
}

const PAGE = 4096;

interface ProcessRow {
  readonly parent: number;
  readonly memoryBytes: number;
}

/** Measures a process and its descendants, as /proc has them; nothing where there is no /proc. */
export async function measureTree(root: number): Promise<TreeSize> {
  const rows = await readProcesses();
  const children = Map.groupBy(rows.keys(), (pid) => rows.get(pid)?.parent ?? 0);
  const queue = [root];
  let [processes, memoryBytes] = [0, 0];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    const row = rows.get(pid);
    if (!row) continue;
    processes++;
    memoryBytes += row.memoryBytes;
    queue.push(...(children.get(pid) ?? []));
  }
  return { processes, memoryBytes };
}

async function readProcesses(): Promise<Map<number, ProcessRow>> {
  const names = await readdir('/proc').catch(() => []);
  const found = new Map<number, ProcessRow>();
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const row = await readFile(`/proc/${name}/stat`, 'latin1').then(parseStat, () => undefined);
    if (row) found.set(Number(name), row);
  }
  return found;
}

/** proc(5): field 4 is the parent, field 24 the resident pages. The name in field 2 may hold anything, also spaces and brackets. */
export function parseStat(text: string): ProcessRow | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, pages] = [Number(fields[1]), Number(fields[21])];
  return Number.isInteger(parent) && Number.isInteger(pages) ? { parent, memoryBytes: pages * PAGE } : undefined;
}

/** Threads of all processes of a user: what RLIMIT_NPROC counts. */
export async function countTasks(uid: number): Promise<number> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const counts = await Promise.all(
    names.map((name) =>
      readFile(`/proc/${name}/status`, 'latin1').then(
        (text) => tasksOf(text, uid),
        () => 0,
      ),
    ),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function tasksOf(status: string, uid: number): number {
  const own = /^Uid:\t(\d+)/m.exec(status)?.[1] === String(uid);
  return own ? Number(/^Threads:\t(\d+)/m.exec(status)?.[1] ?? 0) : 0;
}
