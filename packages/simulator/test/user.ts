import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addTrust } from '@holdfast/installer';

/** The Python tools that script/setup installs. */
export const tools = fileURLToPath(new URL('../../../.tools/venv/bin/', import.meta.url));

const DAY_MS = 86_400_000;

export interface Outcome {
  readonly code: number;
  /** What is in the target directory: `demo 1.0`. */
  readonly installed: readonly string[];
  /** What Holdfast wrote. */
  readonly said: string;
  /** What pip or uv wrote. */
  readonly tool: string;
}

/** Somebody with a store of their own who trusts the index and installs with the real pip or uv. */
export class User {
  readonly home: string;
  readonly #directory: string;
  #count = 0;

  private constructor(directory: string) {
    this.#directory = directory;
    this.home = join(directory, 'holdfast');
  }

  /** @param directory for everything of this user; must be empty */
  static async make(directory: string, urls: readonly string[], root: Uint8Array): Promise<User> {
    const user = new User(directory);
    await addTrust({ home: user.home, name: 'main', urls, root, environment: {} });
    return user;
  }

  /** Installs a project into an empty directory. @param days how far this user's clock is ahead */
  async install(
    project: string,
    { tool = 'pip', days = 0 }: { tool?: 'pip' | 'uv'; days?: number } = {},
  ): Promise<Outcome> {
    this.#count += 1;
    const target = join(this.#directory, `site-${this.#count}`);
    await mkdir(target);
    const command = tool === 'pip' ? ['pip', 'install'] : ['uv', 'pip', 'install', '--no-cache'];
    const ended = await this.#run([...command, '--target', target, project], days);
    return { ...ended, installed: await modulesIn(target) };
  }

  async #run(command: readonly string[], days: number): Promise<Omit<Outcome, 'installed'>> {
    const script = fileURLToPath(new URL('as-user.ts', import.meta.url));
    const args = [
      '--conditions=holdfast-source',
      script,
      this.home,
      this.#directory,
      String(days * DAY_MS),
      ...command,
    ];
    const env = {
      PATH: `${tools}:/usr/bin:/bin`,
      HOME: this.#directory,
      UV_PYTHON: join(tools, 'python'),
      UV_PYTHON_DOWNLOADS: 'never',
      PYTHONDONTWRITEBYTECODE: '1',
      LC_ALL: 'C.UTF-8',
    };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const texts = ['', '', '', ''];
    for (const descriptor of [1, 2, 3]) {
      child.stdio[descriptor]?.on('data', (chunk: Buffer) => (texts[descriptor] += chunk.toString()));
    }
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve(status ?? -1));
    });
    return { code, said: texts[3] ?? '', tool: `${texts[1]}${texts[2]}` };
  }
}

/** The test wheels hold one module each, which says its version. */
async function modulesIn(target: string): Promise<string[]> {
  const modules = (await readdir(target)).filter((name) => name.endsWith('.py')).sort();
  return Promise.all(
    modules.map(async (name) => {
      const [, version = '?'] = /VERSION = '(.*)'/.exec(await readFile(join(target, name), 'utf8')) ?? [];
      return `${name.slice(0, -3)} ${version}`;
    }),
  );
}
