import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IndexClient, type OpenClientOptions } from '../src/client/index-client.ts';
import type { Notice } from '../src/client/notice.ts';
import { DEFAULT_LIMITS } from '../src/fetch/limits.ts';
import { addTrust } from '../src/trust/trust-store.ts';
import { TestRepository } from './repository.ts';
import { StaticMirror } from './static-mirror.ts';

/** A repository on a static server, a temporary home that trusts it, and what has to be closed afterwards. */
export class Scene {
  readonly repository: TestRepository;
  readonly mirror: StaticMirror;
  readonly home: string;
  readonly notices: Notice[] = [];
  readonly #closing: (() => unknown)[] = [];

  private constructor(repository: TestRepository, mirror: StaticMirror, home: string) {
    this.repository = repository;
    this.mirror = mirror;
    this.home = home;
  }

  /** A repository with the given wheels, published; `demo` needs `helper`. */
  static async make(options: { now?: Date; trust?: boolean; lookups?: boolean; bins?: boolean } = {}): Promise<Scene> {
    const repository = await TestRepository.create(options.now);
    repository.bins = options.bins ?? false;
    repository.addWheel('demo', '1.0', { requires: ['helper>=1'] });
    repository.addWheel('helper', '1.2');
    await repository.publish();
    const mirror = await StaticMirror.start(repository.files);
    if (options.lookups !== false) mirror.lookup = (address) => repository.lookup(address);
    const scene = new Scene(repository, mirror, await mkdtemp(join(tmpdir(), 'holdfast-installer-')));
    if (options.trust !== false) await scene.trust([mirror.url]);
    return scene;
  }

  /** @param root the newest one unless another is given */
  trust(urls: readonly string[], name = 'main', root = this.repository.root) {
    return addTrust({ home: this.home, name, urls, root, environment: {} });
  }

  async client(options: Partial<OpenClientOptions> = {}): Promise<IndexClient> {
    const client = await IndexClient.open({
      home: this.home,
      environment: {},
      limits: { ...DEFAULT_LIMITS, retries: 0, connectMs: 2_000, idleMs: 2_000 },
      onNotice: (notice) => this.notices.push(notice),
      ...options,
    });
    this.later(() => client.close());
    return client;
  }

  /** A second server; of the same files unless others are given. */
  async addMirror(files: ReadonlyMap<string, Uint8Array> = this.repository.files): Promise<StaticMirror> {
    const mirror = await StaticMirror.start(files);
    this.later(() => mirror.close());
    return mirror;
  }

  /** Runs when the scene closes, the last first. */
  later(close: () => unknown): void {
    this.#closing.unshift(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    await this.mirror.close();
    await rm(this.home, { recursive: true, force: true });
  }
}
