import { access, constants } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { ToolMissingError } from '../errors.ts';

/** A program and the arguments that stand before the user's. */
export interface Tool {
  readonly program: string;
  readonly before: readonly string[];
}

/** What kind of tool a program is: how it is told about the index, and which of its files are looked through. */
export type ToolKind = 'pip' | 'uv' | 'other';

export function kindOf(program: string): ToolKind {
  const name = basename(program).replace(/\.exe$/i, '');
  if (/^pip(\d[\d.]*)?$/.test(name)) return 'pip';
  return name === 'uv' || name === 'uvx' ? 'uv' : 'other';
}

/**
 * The program that the user means. `pip` is the pip of the active virtual environment, else the one on PATH, else the one
 * of `python3`.
 * @throws ToolMissingError
 */
export async function findTool(program: string, environment: NodeJS.ProcessEnv): Promise<Tool> {
  if (isAbsolute(program) || program.includes('/')) {
    if (await isExecutable(program)) return { program, before: [] };
    throw new ToolMissingError(program);
  }
  const active = environment['VIRTUAL_ENV'];
  if (program === 'pip' && active) {
    const python = join(active, 'bin', 'python');
    if (await isExecutable(python)) return { program: python, before: ['-m', 'pip'] };
  }
  const found = await onPath(program, environment);
  if (found) return { program: found, before: [] };
  if (program === 'pip') {
    const pip3 = await onPath('pip3', environment);
    if (pip3) return { program: pip3, before: [] };
    const python = await onPath('python3', environment);
    if (python) return { program: python, before: ['-m', 'pip'] };
  }
  throw new ToolMissingError(program);
}

async function onPath(program: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (environment['PATH'] ?? '').split(delimiter)) {
    if (directory === '') continue;
    const path = join(directory, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
