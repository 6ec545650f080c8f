import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEER_COMMANDS, Peer } from '../../packages/tuf/test/peers/peer.ts';

const ours = join(import.meta.dirname, 'holdfast.ts');

/** Programs that do the same work; all answer the same requests. */
export const COMMANDS = {
  holdfast: [process.execPath, ours],
  'holdfast, every entry read': [process.execPath, ours, 'read'],
  'python-tuf': PEER_COMMANDS['python-tuf'],
  'go-tuf': PEER_COMMANDS['go-tuf'],
  'tuf-js': PEER_COMMANDS['tuf-js'],
} as const;
export type Contestant = keyof typeof COMMANDS;

/** What takes longer in one run is stopped and said so. */
export const PATIENCE_MS = 60_000;

export function start(name: Contestant, nodeOptions: readonly string[] = []): Peer {
  const [program, ...args] = COMMANDS[name];
  return new Peer(name, [program, ...nodeOptions, ...args]);
}

/** The answer, or `undefined` when it takes too long: then the process is gone. */
export async function withPatience<T>(peer: Peer, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      work.catch(() => undefined); // it fails because the process is ended here
      peer.process.kill('SIGKILL');
      resolve(undefined);
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes of a process's memory: now, and at most since it began (Linux). */
export function memoryOf(peer: Peer): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${peer.process.pid}/status`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}
