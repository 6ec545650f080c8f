import { once } from 'node:events';
import { join } from 'node:path';
import { start } from '../../script/lib/run.ts';
import {
  holdfast,
  importPopulation,
  type IndexDirectory,
  type MakeOptions,
  makeIndexDirectory,
  root,
} from './index-directory.ts';

export { holdfast, root } from './index-directory.ts';

/** An index that runs in a process of its own, as an operator would start it, and what is needed to use it. */
export interface ServedIndex {
  readonly url: string;
  readonly port: number;
  /** Of the index, not of a slow link in front of it. */
  readonly pid: number;
  /** From the command to the first answer that can be asked for. */
  readonly startSeconds: number;
  readonly token: string;
  readonly rootFile: string;
  /** A temporary directory that goes with the index. */
  readonly place: string;
  readonly environment: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

export interface ServeOptions extends MakeOptions {
  /** Of the link to it; 0 for the bare loopback interface. */
  readonly roundTripMs?: number;
  /** Of a population that it holds from the beginning. */
  readonly files?: number;
}

export const clients = join(root, '.tools', 'clients', 'bin');

/** A new index, which goes when it is stopped. */
export async function serveIndex(options: ServeOptions = {}): Promise<ServedIndex> {
  const made = await makeIndexDirectory(options);
  if (options.files !== undefined && options.files > 0) await importPopulation(made, options.files);
  const served = await serveDirectory(made, options.roundTripMs);
  return {
    ...served,
    async stop() {
      await served.stop();
      await made.remove();
    },
  };
}

/** Serves what is there; it stays when it is stopped. */
export async function serveDirectory(
  { place, directory, offline, token, environment }: IndexDirectory,
  roundTripMs = 0,
): Promise<ServedIndex> {
  const began = performance.now();
  const { child, match } = await start(
    holdfast('serve', directory, '--port', '0'),
    environment,
    /(http:\/\/[^\s:]+:(\d+))/,
  );
  // A benchmark that fails leaves no server behind.
  process.once('exit', () => child.kill());
  const startSeconds = (performance.now() - began) / 1000;
  const link =
    roundTripMs > 0 &&
    (await start(
      [process.execPath, join(root, 'bench', 'lib', 'slow-link.ts'), match[2] ?? '', String(roundTripMs)],
      process.env,
      /port (\d+)/,
    ));
  const port = Number(link ? link.match[1] : match[2]);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    startSeconds,
    token,
    rootFile: join(offline, 'root.json'),
    place,
    environment,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      if (link) link.child.kill();
    },
  };
}
