import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { Finding } from './finding.ts';
import { readSmall } from './scan-requirements.ts';
import { scanLock, scanToml } from './scan-toml.ts';

const MAX_LEVELS = 40;
/** Subcommands of uv that do not look at the project's lock file. */
const WITHOUT_LOCK = new Set([
  'pip',
  'tool',
  'python',
  'cache',
  'self',
  'venv',
  'build',
  'publish',
  'auth',
  'help',
  'init',
]);

/** Sources and proxy settings in the configuration files that uv would read, and in the lock file. */
export async function scanUvProject(
  args: readonly string[],
  directory: string,
  environment: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const start = resolve(directory, valueOf(args, '--directory') ?? '.', valueOf(args, '--project') ?? '.');
  const levels = ancestors(start);
  const project = (await Promise.all(levels.map((level) => scanLevel(level, directory)))).flat();
  const chosen = valueOf(args, '--config-file') ?? environment['UV_CONFIG_FILE'];
  const config = environment['XDG_CONFIG_HOME'] ?? join(environment['HOME'] ?? homedir(), '.config');
  const files = [join(config, 'uv', 'uv.toml'), '/etc/uv/uv.toml', ...(chosen ? [resolve(directory, chosen)] : [])];
  const further = await Promise.all(
    files.map(async (path) => scanToml(await readSmall(path), path.endsWith('uv.toml') ? path : join(path, 'uv.toml'))),
  );
  const subcommand = args.find((word) => !word.startsWith('-')) ?? '';
  const lock = WITHOUT_LOCK.has(subcommand) ? [] : await scanLockAbove(levels, directory);
  return [...project, ...further.flat(), ...lock];
}

async function scanLevel(level: string, directory: string): Promise<Finding[]> {
  const paths = [join(level, 'uv.toml'), join(level, 'pyproject.toml')];
  const found = await Promise.all(
    paths.map(async (path) => scanToml(await readSmall(path), relative(directory, path))),
  );
  return found.flat();
}

async function scanLockAbove(levels: readonly string[], directory: string): Promise<Finding[]> {
  for (const level of levels) {
    const path = join(level, 'uv.lock');
    const text = await readSmall(path);
    if (text !== '') return scanLock(text, relative(directory, path));
  }
  return [];
}

function ancestors(start: string): string[] {
  const levels = [start];
  for (let at = start; dirname(at) !== at && levels.length < MAX_LEVELS; levels.push(at)) at = dirname(at);
  return levels;
}

function valueOf(args: readonly string[], option: string): string | undefined {
  const joined = args.find((word) => word.startsWith(`${option}=`));
  if (joined !== undefined) return joined.slice(option.length + 1);
  const at = args.indexOf(option);
  return at < 0 ? undefined : args[at + 1];
}
