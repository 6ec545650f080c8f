import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PYTHON = fileURLToPath(new URL('../../../.tools/venv/bin/python', import.meta.url));

/** Runs a Python program with the reference implementation at hand; JSON in, JSON out. */
export function python(program: string, input: unknown): unknown {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`python failed:\n${stderr}`);
  const output: unknown = JSON.parse(stdout);
  return output;
}
