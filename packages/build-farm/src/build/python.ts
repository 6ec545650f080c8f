import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BuildToolsError } from '../errors.ts';

/** The Python that wheels are built with and for. */
export interface BuildPython {
  /** Absolute. */
  readonly executable: string;
  /** Directories that it reads: its own and that of the installation behind a virtual environment. */
  readonly directories: readonly string[];
  readonly version: string;
  readonly pip: string;
  readonly build: string;
}

/** `--uploaded-prior-to`, which lets two farms choose the same build requirements, came with pip 26.0. */
const OLDEST_PIP = 26;

const QUESTION = `
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
def found(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps([sys.executable, sys.prefix, sys.base_prefix, platform.python_version(), found("pip"), found("build")]))
`;

/** @throws BuildToolsError when there is no such program, or it has no `pip` of 2026 or no `build` */
export async function findPython(program = 'python3'): Promise<BuildPython> {
  const answer = await ask(program);
  const [executable, prefix, basePrefix, version, pip, build] = answer;
  if (typeof executable !== 'string' || typeof prefix !== 'string' || typeof basePrefix !== 'string')
    throw new BuildToolsError(program, 'it does not say where it is installed');
  if (typeof pip !== 'string' || Number.parseInt(pip, 10) < OLDEST_PIP)
    throw new BuildToolsError(executable, `it has ${describe('pip', pip)}, and pip ${OLDEST_PIP} or newer is needed`);
  if (typeof build !== 'string') throw new BuildToolsError(executable, 'it does not have the package "build"');
  return { executable, directories: [...new Set([basePrefix, prefix])], version: String(version), pip, build };
}

const describe = (name: string, version: unknown): string =>
  typeof version === 'string' ? `${name} ${version}` : `no ${name}`;

async function ask(program: string): Promise<readonly unknown[]> {
  try {
    const { stdout } = await promisify(execFile)(program, ['-I', '-c', QUESTION], { timeout: 60_000 });
    const answer: unknown = JSON.parse(stdout);
    return Array.isArray(answer) ? (answer as readonly unknown[]) : [];
  } catch (cause) {
    throw new BuildToolsError(program, 'it is no Python that runs', { cause });
  }
}
