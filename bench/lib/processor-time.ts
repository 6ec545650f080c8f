import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

const INTERVAL_MS = 100;
/** Of `/proc/PID/stat`, as Linux counts it. */
const TICKS_PER_SECOND = 100;

/** Seconds of all cores that a process has used, as the kernel counts them. */
export function processorSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before the bracket may hold anything; user and system time are the 12th and 13th field behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined; // it has ended
  }
}

/** Looks at a process until it ends; the function tells what was seen last. */
export function watchProcessor({ pid }: ChildProcess): () => number {
  let seen = 0;
  const timer = setInterval(() => {
    const seconds = pid === undefined ? undefined : processorSeconds(pid);
    if (seconds === undefined) clearInterval(timer);
    else seen = seconds;
  }, INTERVAL_MS).unref();
  return () => {
    clearInterval(timer);
    return seen;
  };
}
