import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServedRepository } from './served-repository.ts';

export const TUF_CLIENT = fileURLToPath(new URL('../../bin/tuf-client', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stderr: string;
}

export interface RunOptions {
  /** As `faketime` takes it. */
  readonly time?: Date;
  readonly command?: string;
  readonly cwd?: string;
}

/** The command of the client test protocol with directories of its own, against one repository. */
export class ClientUnderTest implements AsyncDisposable {
  readonly directory: string;
  readonly metadataDir: string;
  readonly targetDir: string;
  private readonly served: ServedRepository;

  private constructor(served: ServedRepository, directory: string) {
    this.served = served;
    this.directory = directory;
    this.metadataDir = join(directory, 'metadata');
    this.targetDir = join(directory, 'targets');
  }

  static async create(served: ServedRepository, trust = true): Promise<ClientUnderTest> {
    const client = new ClientUnderTest(served, await mkdtemp(join(tmpdir(), 'holdfast-tuf-client-')));
    if (trust) await client.init(served.trustedRoot);
    return client;
  }

  async init(root: Uint8Array): Promise<Outcome> {
    const file = join(this.directory, 'trusted-root.json');
    await writeFile(file, root);
    return this.run(['--metadata-dir', this.metadataDir, 'init', file]);
  }

  refresh(options?: RunOptions): Promise<Outcome> {
    return this.run([...this.repositoryOptions(), 'refresh'], options);
  }

  download(names: readonly string[], options?: RunOptions): Promise<Outcome> {
    return this.run(this.downloadArguments(names), options);
  }

  run(args: readonly string[], options?: RunOptions): Promise<Outcome> {
    return outcomeOf(this.start(args, options));
  }

  start(args: readonly string[], { time, command = TUF_CLIENT, cwd }: RunOptions = {}): ChildProcess {
    const [program, ...rest] = time === undefined ? [command] : ['faketime', time.toISOString(), command];
    return spawn(program ?? command, [...rest, ...args], { stdio: ['ignore', 'ignore', 'pipe'], cwd });
  }

  downloadArguments(names: readonly string[]): readonly string[] {
    const named = names.flatMap((name) => ['--target-name', name]);
    const where = ['--target-dir', this.targetDir, '--target-base-url', `${this.served.url}/targets`];
    return [...this.repositoryOptions(), ...named, ...where, 'download'];
  }

  metadata(name: string): Promise<Buffer> {
    return readFile(join(this.metadataDir, name));
  }

  /** Names of the metadata that other clients would see. */
  async metadataNames(): Promise<readonly string[]> {
    return (await readdir(this.metadataDir)).filter((name) => name.endsWith('.json')).toSorted();
  }

  /** Every file under the target directory, also what should not be there. */
  async downloaded(): Promise<ReadonlyMap<string, string>> {
    const names: readonly string[] = await readdir(this.targetDir, { recursive: true }).catch(() => []);
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(this.targetDir, name), 'utf8')] as const)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }

  private repositoryOptions(): readonly string[] {
    return ['--metadata-url', `${this.served.url}/metadata`, '--metadata-dir', this.metadataDir];
  }
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const chunks: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  return { status: child.exitCode, stderr: Buffer.concat(chunks).toString() };
}
