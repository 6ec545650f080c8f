import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, globSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface PostgresServer {
  /** The location of a new, empty database. `settings` are its own, such as `synchronous_commit = off`. */
  database(name: string, settings?: readonly string[]): string;
  /** Runs SQL as the superuser; one line for each row, columns divided by `|`. */
  sql(text: string, database?: string): string;
  /** Ends all connections to a database, as an operator or a broken network does. */
  endSessions(database: string): void;
  /** Ends all connections, and the server; starts it again. */
  restart(): Promise<void>;
  /** The server ends as at a loss of power; `start` brings it back, from its write-ahead log. */
  crash(): Promise<void>;
  /** Stops every process of the server where it is, with its connections open; {@link thaw} lets them go on. */
  freeze(): void;
  thaw(): void;
  /** Ends the server as {@link restart} does; `start` brings it back. */
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A real PostgreSQL server with a cluster of its own, reached through a Unix socket: no port can be taken. */
export async function startPostgres(...settings: readonly string[]): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-pg-'));
  const owner = await serverUser();
  await chown(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const bin = programs();
  const run = (program: string, args: readonly string[]): string =>
    execFileSync(join(bin, program), args, {
      ...owner,
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  run('initdb', ['-D', data, '-U', 'holdfast', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
  const options = ['listen_addresses=', `unix_socket_directories=${directory}`, 'max_connections=40', ...settings];
  const start = (): Promise<ChildProcess> =>
    startServer(join(bin, 'postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])], owner, directory);
  let server = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  };
  const sql = (text: string, database = 'postgres'): string =>
    run('psql', ['-h', directory, '-U', 'holdfast', '-d', database, '-XqAt', '-c', text]).trim();
  return {
    database(name, wanted = []) {
      // In the order of a language, as many servers have it, and as nothing in the records may be.
      sql(`create database ${name} template template0 encoding 'UTF8' locale_provider icu icu_locale 'en-US'`);
      for (const setting of wanted) sql(`alter database ${name} set ${setting}`);
      return `postgres://holdfast@${encodeURIComponent(directory)}/${name}`;
    },
    sql,
    endSessions(database) {
      sql(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`);
    },
    halt: () => end('SIGINT'),
    crash: () => end('SIGQUIT'),
    freeze: () => signalAll(server, 'SIGSTOP'),
    thaw: () => signalAll(server, 'SIGCONT'),
    async start() {
      server = await start();
    },
    async restart() {
      await end('SIGINT');
      server = await start();
    },
    async stop() {
      await end('SIGQUIT'); // At once: nothing of it is needed any more.
      await rm(directory, { recursive: true });
    },
  };
}

/** The server first: one that is stopped starts no process meanwhile. */
function signalAll({ pid = 0 }: ChildProcess, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) process.kill(Number(child), signal);
}

async function startServer(
  program: string,
  args: readonly string[],
  owner: { readonly uid: number; readonly gid: number },
  cwd: string,
): Promise<ChildProcess> {
  const server = spawn(program, args, { ...owner, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  const lines = createInterface({ input: server.stderr });
  for await (const line of lines) {
    said.push(line);
    if (line.includes('ready to accept connections')) {
      server.stderr.resume();
      return server;
    }
  }
  throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`);
}

/** Debian keeps the server's programs off the path. */
function programs(): string {
  const found = globSync('/usr/lib/postgresql/*/bin/postgres').toSorted().at(-1);
  if (found !== undefined) return dirname(found);
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    try {
      accessSync(join(directory, 'initdb'));
      return directory;
    } catch {
      continue;
    }
  }
  throw new Error('there is no PostgreSQL server here: was script/setup run?');
}

/** PostgreSQL refuses to run as root; Debian's package makes a user for it. */
async function serverUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid !== 0) return { uid, gid };
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((each) => each.startsWith('postgres:'));
  if (line === undefined) throw new Error('there is no user postgres: was script/setup run?');
  const fields = line.split(':');
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}
