import { execFileSync } from 'node:child_process';

/** Bytes that a directory takes on the disk, with everything below it. */
export function diskBytes(directory: string): number {
  return Number.parseInt(execFileSync('du', ['-s', '-B1', directory], { encoding: 'utf8' }), 10);
}
