import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { IndexDirectory } from '../lib/index-directory.ts';
import { type Memory, watchMemory } from '../lib/process-memory.ts';

/** Rotates the key that signs files, in a process of its own. */
export async function resignEverything({
  directory,
  offline,
  environment,
}: IndexDirectory): Promise<{ readonly seconds: number; readonly memory: Memory }> {
  const program = join(import.meta.dirname, 'resign-process.ts');
  const child = spawn(process.execPath, [...process.execArgv, program, directory, offline], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const memory = watchMemory(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`signing everything anew ended with ${code}`);
  return { seconds: Number(output), memory: memory() };
}
