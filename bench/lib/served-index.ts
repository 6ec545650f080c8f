import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, start } from '../../script/lib/run.ts';

/** An index that runs in a process of its own, as an operator would start it, and what is needed to use it. */
export interface ServedIndex {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly rootFile: string;
  /** A temporary directory that goes with the index. */
  readonly place: string;
  readonly environment: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

export const root = resolve(import.meta.dirname, '..', '..');
export const clients = join(root, '.tools', 'clients', 'bin');

/** The command line of `holdfast`, built. */
export function holdfast(...args: string[]): string[] {
  return [process.execPath, join(root, 'packages', 'holdfast', 'bin', 'holdfast.js'), ...args];
}

/** @param roundTripMs of the link to it; 0 for the bare loopback interface */
export async function serveIndex({ roundTripMs = 0 } = {}): Promise<ServedIndex> {
  const place = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const directory = join(place, 'index');
  const environment = {
    ...process.env,
    HOLDFAST_HOME: join(place, 'home'),
    HOLDFAST_PASSPHRASE: 'bench',
    HOLDFAST_OFFLINE_PASSPHRASE: 'bench',
  };
  const must = async (...args: string[]): Promise<string> => {
    const { code, output } = await run(holdfast(...args), environment);
    if (code !== 0) throw new Error(output);
    return output;
  };
  await must('init', directory, '--offline-keys', join(place, 'offline'));
  await must('account', 'create', directory, 'bench');
  const token = /hf_[0-9A-Za-z]+/.exec(await must('token', 'create', directory, 'bench'))?.[0] ?? '';
  const { child, match } = await start(
    holdfast('serve', directory, '--port', '0'),
    environment,
    /(http:\/\/[^\s:]+:(\d+))/,
  );
  const link =
    roundTripMs > 0 &&
    (await start(
      [process.execPath, join(root, 'bench', 'lib', 'slow-link.ts'), match[2] ?? '', String(roundTripMs)],
      process.env,
      /port (\d+)/,
    ));
  const port = link ? (link.match[1] ?? '') : (match[2] ?? '');
  return {
    url: `http://127.0.0.1:${port}`,
    port: Number(port),
    token,
    rootFile: join(place, 'offline', 'root.json'),
    place,
    environment,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      if (link) link.child.kill();
      await rm(place, { recursive: true, force: true });
    },
  };
}
