import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type FetchOptions,
  fetchTarget,
  MemoryMetadataStore,
  type MetadataFetcher,
  NetworkError,
  type UpdaterProgress,
} from '@holdfast/tuf';
import { emptyFile, later, NOW, TestRepository } from './repository.ts';
import { updaterOf as client } from './updater.ts';

/** Passes requests on, one path only when told to. */
class Gate implements MetadataFetcher {
  readonly reached = Promise.withResolvers<void>();
  readonly open = Promise.withResolvers<void>();
  aborted = false;
  private readonly repository: TestRepository;
  private readonly path: string;

  constructor(repository: TestRepository, path: string) {
    this.repository = repository;
    this.path = path;
  }

  async fetch(path: string, options: FetchOptions): Promise<Uint8Array> {
    if (path === this.path) {
      this.reached.resolve();
      const { signal } = options;
      await new Promise<void>((resolve, reject) => {
        void this.open.promise.then(resolve);
        signal?.addEventListener('abort', () => {
          this.aborted = true;
          reject(signal.reason);
        });
      });
    }
    return this.repository.fetch(path, options);
  }
}

async function withTarget(): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['a', emptyFile()]]) });
  await repository.publish();
  return repository;
}

describe('a call of the client', () => {
  it('ends by its own signal, while others go on; the work ends when nobody waits for it', async () => {
    const repository = await withTarget();
    for (const everybodyLeaves of [false, true]) {
      const gate = new Gate(repository, 'timestamp.json');
      const updater = client(repository, { fetcher: gate });
      const [first, second] = [new AbortController(), new AbortController()];
      const calls = [updater.refresh({ signal: first.signal }), updater.targetInfo('a', { signal: second.signal })];
      const [one, two] = [assert.rejects(calls[0] ?? assert.fail(), /^Error: first$/), calls[1]];
      await gate.reached.promise;
      first.abort(new Error('first'));
      await one;
      assert.equal(gate.aborted, false);
      if (everybodyLeaves) {
        const refused = assert.rejects(two ?? assert.fail(), /^Error: second$/);
        second.abort(new Error('second'));
        await refused;
        assert.equal(gate.aborted, true);
      }
      gate.open.resolve();
      if (!everybodyLeaves) assert.notEqual(await two, undefined);
      // What was given up leaves nothing behind: the next call does its own work.
      assert.notEqual(await updater.targetInfo('a'), undefined);
    }
  });

  it('does nothing for a signal that is aborted already', async () => {
    const repository = await withTarget();
    const signal = AbortSignal.abort(new Error('before'));
    await assert.rejects(client(repository).targetInfo('a', { signal }), /^Error: before$/);
  });

  it('reports every file once as verified, with the length that signed metadata announces', async () => {
    const repository = await withTarget();
    repository.withHashes = true;
    await repository.publish();
    const seen: UpdaterProgress[] = [];
    await client(repository, { onProgress: (progress) => seen.push(progress) }).refresh();
    const verified = seen.filter((progress) => progress.verified);
    assert.deepEqual(
      verified.map(({ path }) => path),
      ['timestamp.json', '3.snapshot.json', '3.targets.json'],
    );
    assert.deepEqual(verified[1], {
      path: '3.snapshot.json',
      received: repository.file('3.snapshot.json').length,
      expected: repository.file('3.snapshot.json').length,
      verified: true,
    });
  });
});

describe('several mirrors of a repository', () => {
  it('take over file by file from one that is away, lacks something, or serves something wrong', async () => {
    const honest = await withTarget();
    const mirror = (change: (path: string) => Uint8Array | undefined): MetadataFetcher => ({
      fetch: async (path, options) => change(path) ?? honest.fetch(path, options),
    });
    const faults: readonly MetadataFetcher[] = [
      mirror(() => {
        throw new NetworkError('x', 'away');
      }),
      mirror((path) => (path === '2.snapshot.json' ? new TextEncoder().encode('{}') : undefined)),
      mirror((path) => (path === '2.targets.json' ? honest.file('1.targets.json') : undefined)),
      { fetch: (path, options) => honest.fetch(`none-${path}`, options) },
    ];
    for (const fault of faults) {
      const updater = client(honest, { fetcher: [fault, honest] });
      assert.equal((await updater.refresh()).targetsVersion, 2);
      assert.notEqual(await updater.targetInfo('a'), undefined);
    }
    assert.equal((await client(honest, { fetcher: [...faults, honest] }).refresh()).targetsVersion, 2);
  });

  it('are all asked before "no newer root" is believed: one thief cannot hide that keys were replaced (§5.3.3)', async () => {
    const honest = await withTarget();
    const stale: MetadataFetcher = {
      fetch: (path, options) => honest.fetch(path.includes('root') ? 'none' : path, options),
    };
    await honest.publishRoot();
    assert.equal((await client(honest, { fetcher: [stale, honest] }).refresh()).rootVersion, 2);
  });

  it('report the error that tells most when all fail: refused before absent before unreachable', async () => {
    const honest = await withTarget();
    const away: MetadataFetcher = {
      fetch: async (path) => {
        throw new NetworkError(path, 'away');
      },
    };
    const wrong: MetadataFetcher = {
      fetch: (path, options) =>
        path === 'timestamp.json' ? Promise.resolve(new TextEncoder().encode('{}')) : honest.fetch(path, options),
    };
    const none: MetadataFetcher = { fetch: (path, options) => honest.fetch(`none-${path}`, options) };
    await assert.rejects(client(honest, { fetcher: [away, none, wrong] }).refresh(), { code: 'FORMAT' });
    await assert.rejects(client(honest, { fetcher: [away, none] }).refresh(), { code: 'NOT_FOUND' });
    await assert.rejects(client(honest, { fetcher: [away] }).refresh(), { code: 'NETWORK' });
    assert.throws(() => client(honest, { fetcher: [] }), RangeError);
  });
});

describe('the content of a target', () => {
  it('is what signed metadata says, from whichever mirror has it (§5.7.3)', async () => {
    const repository = await TestRepository.create();
    const content = new TextEncoder().encode('hello');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const file = { length: 5, hashes: new Map([['sha256', sha256]]) };
    repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['a b/ü', file]]) });
    await repository.publish();
    const info = (await client(repository).targetInfo('a b/ü')) ?? assert.fail();
    assert.equal(info.urlPath, `a%20b/${sha256}.%C3%BC`);
    const serve = (bytes: Uint8Array): MetadataFetcher => ({
      fetch: async (path) => (path === info.urlPath ? bytes : assert.fail(path)),
    });
    const wrong = serve(new TextEncoder().encode('jello'));
    assert.deepEqual(await fetchTarget(serve(content), info), content);
    assert.deepEqual(await fetchTarget([wrong, serve(content.subarray(1)), serve(content)], info), content);
    await assert.rejects(fetchTarget(wrong, info), { code: 'HASH' });
    await assert.rejects(fetchTarget([serve(content.subarray(1))], info), { code: 'LENGTH' });
  });
});

describe('the clock', () => {
  it('may not be set back by more than an hour since the last refresh (freeze, P20)', async () => {
    const repository = await withTarget();
    const store = new MemoryMetadataStore();
    await client(repository, { store }).refresh();
    const hours = (count: number) => () => new Date(NOW.getTime() + count * 3_600_000);
    await client(repository, { store, clock: hours(-1) }).refresh();
    await assert.rejects(client(repository, { store, clock: hours(-1.01) }).refresh(), { code: 'CLOCK', latest: NOW });
    await client(repository, { store, clock: hours(-9), guardClock: false }).refresh();
    await client(repository, { store, clock: hours(2) }).refresh();
    await assert.rejects(client(repository, { store, clock: hours(0.9) }).refresh(), { code: 'CLOCK' });
  });

  it('that was wrongly ahead does not lock a client out: only refreshes that succeeded count', async () => {
    const repository = await withTarget();
    const store = new MemoryMetadataStore();
    await assert.rejects(client(repository, { store, clock: () => later(9_000) }).refresh(), { code: 'EXPIRED' });
    await client(repository, { store }).refresh();
  });

  it('is trusted again when its record is damaged', async () => {
    const repository = await withTarget();
    const store = new MemoryMetadataStore();
    await client(repository, { store }).refresh();
    for (const text of ['', 'tomorrow', '9999-99-99T99:99:99Z', 'x'.repeat(10_000)]) {
      await store.write('latest-time', new TextEncoder().encode(text));
      await client(repository, { store, clock: () => later(-9) }).refresh();
    }
  });
});

describe('strictly offline', () => {
  it('answers from the store without any request, and refuses what has expired or was never stored', async () => {
    const repository = await withTarget();
    const store = new MemoryMetadataStore();
    await assert.rejects(client(repository, { store, offline: 'only' }).refresh(), { code: 'NETWORK' });
    await client(repository, { store }).refresh();
    repository.requests.length = 0;
    const offline = client(repository, { store, offline: 'only' });
    assert.equal((await offline.refresh()).offline, true);
    assert.notEqual(await offline.targetInfo('a'), undefined);
    await assert.rejects(client(repository, { store, offline: 'only', clock: () => later(2) }).refresh(), {
      code: 'EXPIRED',
      role: 'timestamp',
    });
    await store.remove('snapshot.json');
    await assert.rejects(client(repository, { store, offline: 'only' }).refresh(), { code: 'NETWORK' });
    assert.deepEqual(repository.requests, []);
  });
});
