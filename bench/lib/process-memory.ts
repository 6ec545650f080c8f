import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Resident memory of a process in bytes, as the kernel counts it. */
export interface Memory {
  readonly now: number;
  readonly peak: number;
}

const INTERVAL_MS = 100;

export function memoryOf(pid: number): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (field: string): number =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
    const [now, peak] = [bytes('VmRSS'), bytes('VmHWM')];
    return peak === 0 ? undefined : { now, peak };
  } catch {
    return undefined; // it has ended
  }
}

/** Looks at a process until it ends; the function tells what was seen last. */
export function watchMemory({ pid }: ChildProcess): () => Memory {
  let seen: Memory = { now: 0, peak: 0 };
  const timer = setInterval(() => {
    const memory = pid === undefined ? undefined : memoryOf(pid);
    if (memory) seen = memory;
    else clearInterval(timer);
  }, INTERVAL_MS).unref();
  return () => {
    clearInterval(timer);
    return seen;
  };
}
