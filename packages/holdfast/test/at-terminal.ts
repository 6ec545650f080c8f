import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { environment } from './holdfast.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Runs `holdfast` at a terminal (util-linux's `script` makes one) with somebody who answers each question once it is asked.
 * @returns everything that the terminal showed, and the exit code
 */
export async function atTerminal(
  directory: string,
  args: readonly string[],
  answers: readonly (readonly [question: RegExp, answer: string])[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | null; readonly shown: string }> {
  const command = [process.execPath, '--conditions=holdfast-source', main, ...args].map(quoted).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd: directory,
    env: { ...environment(directory), SHELL: '/bin/sh', TERM: 'dumb', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = [...answers];
  let [shown, seen] = ['', 0];
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const [next] = waiting;
    const match = next?.[0].exec(shown.slice(seen));
    if (next === undefined || !match) return;
    seen = shown.length;
    waiting.shift();
    child.stdin.write(`${next[1]}\r`);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, shown: shown.replaceAll('\r', '') };
}
