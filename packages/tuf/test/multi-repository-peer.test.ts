import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
  ConsensusError,
  HttpFetcher,
  MemoryMetadataStore,
  MultiRepositoryUpdater,
  parseRepositoryMap,
  type TargetFile,
  UnmappedTargetError,
  Updater,
} from '@holdfast/tuf';
import { Peer } from './peers/peer.ts';
import { DAY_MS, TestRepository } from './repository.ts';

const file = (digit: string, more: Readonly<Record<string, string>> = {}): TargetFile => ({
  length: 5,
  hashes: new Map(Object.entries({ sha256: digit.repeat(64), ...more })),
});

const soon = (days: number): Date => new Date(Date.now() + days * DAY_MS);

/** Who lists what: by repository, by target path. */
const CONTENT: Readonly<Record<string, Readonly<Record<string, TargetFile>>>> = {
  a: { all: file('1'), liar: file('1'), split: file('1'), first: file('1'), 'p/own': file('1'), more: file('1') },
  b: {
    all: file('1'),
    liar: file('1'),
    split: file('2'),
    first: file('2'),
    'p/own': file('6'),
    'p/other': file('6'),
    more: file('1', { sha512: '5'.repeat(128) }),
  },
  c: { all: file('1'), liar: file('6'), lone: file('3'), 'q/x': file('3') },
};

const MAPPING = [
  { paths: ['p/*'], repositories: ['a'], threshold: 1, terminating: true },
  { paths: ['q/*'], repositories: ['down'], threshold: 1, terminating: false },
  { paths: ['q/*'], repositories: ['c'], threshold: 1, terminating: true },
  { paths: ['first'], repositories: ['a', 'b'], threshold: 1, terminating: true },
  { paths: ['all', 'liar', 'split', 'lone', 'more'], repositories: ['a', 'b', 'c'], threshold: 2, terminating: false },
  { paths: ['lone'], repositories: ['c'], threshold: 1, terminating: true },
];

/** Paths on which both agree, and what the answer is; undefined for none. */
const AGREED: Readonly<Record<string, readonly [string, readonly string[]] | undefined>> = {
  all: ['1', ['a', 'b']],
  liar: ['1', ['a', 'b']],
  split: undefined,
  lone: ['3', ['c']],
  more: ['1', ['a', 'b']],
  'p/own': ['1', ['a']],
  'p/other': undefined,
  'p/none': undefined,
  unmapped: undefined,
};

interface Answer {
  readonly sha256: string;
  readonly repositories: readonly string[];
}

describe('go-tuf with the same map and the same repositories (TAP 4)', () => {
  let server: Server;
  let url: string;
  let peer: Peer;
  const repositories = new Map<string, TestRepository>();

  before(async () => {
    for (const [name, targets] of Object.entries({ ...CONTENT, down: {} })) {
      const repository = await TestRepository.create();
      repository.expires = { root: soon(365), timestamp: soon(1), snapshot: soon(7) };
      repository.roles.set('targets', {
        signers: repository.signers.targets,
        targets: new Map(Object.entries(targets)),
        expires: soon(90),
      });
      await repository.publishRoot();
      await repository.publish();
      repositories.set(name, repository);
    }
    server = createServer((request, response) => {
      const [, name = '', path = ''] = /^\/([^/]+)\/(.+)$/.exec(decodeURIComponent(request.url ?? '')) ?? [];
      const bytes = repositories.get(name)?.files.get(path);
      response.writeHead(name === 'down' ? 500 : bytes === undefined ? 404 : 200).end(bytes);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    url = `http://127.0.0.1:${address.port}/`;
    peer = Peer.start('go-tuf');
  });

  after(async () => {
    await peer.stop();
    server.close();
  });

  const root = (name: string): Uint8Array => repositories.get(name)?.file('2.root.json') ?? assert.fail(name);

  function mapFile(): Uint8Array {
    const urls = Object.fromEntries([...repositories.keys()].map((name) => [name, [`${url}${name}/`]]));
    return new TextEncoder().encode(JSON.stringify({ repositories: urls, mapping: MAPPING }));
  }

  async function ours(path: string): Promise<Answer | undefined> {
    const client = new MultiRepositoryUpdater(
      parseRepositoryMap(mapFile()),
      (name, mirrors) =>
        new Updater({
          trustedRoot: root(name),
          fetcher: mirrors.map((mirror) => new HttpFetcher(mirror, { limits: { attempts: 1 } })),
          store: new MemoryMetadataStore(),
          clock: () => new Date(),
        }),
    );
    try {
      const info = await client.targetInfo(path);
      return info && { sha256: info.file.hashes.get('sha256') ?? '', repositories: [...info.repositories.keys()] };
    } catch (error) {
      if (error instanceof ConsensusError || error instanceof UnmappedTargetError) return undefined;
      throw error;
    }
  }

  async function theirs(path: string): Promise<Answer | undefined> {
    const map = Buffer.from(mapFile()).toString('base64');
    const roots = Object.fromEntries(
      [...repositories.keys()].map((name) => [name, Buffer.from(root(name)).toString('base64')]),
    );
    const { refused, lookups } = await peer.ask({ op: 'map', map, roots, paths: [path] });
    assert.equal(refused, undefined);
    const [lookup] = lookups;
    if (lookup?.hashes === undefined) return undefined;
    return { sha256: lookup.hashes['sha256'] ?? '', repositories: lookup.repositories ?? [] };
  }

  it('comes to the same answers', async () => {
    for (const [path, agreed] of Object.entries(AGREED)) {
      const expected = agreed && { sha256: agreed[0].repeat(64), repositories: agreed[1] };
      assert.deepEqual(await ours(path), expected, `ours: ${path}`);
      // It also asks those whose word is no longer needed.
      const answer = await theirs(path);
      assert.equal(answer?.sha256, expected?.sha256, `go-tuf: ${path}`);
      assert.deepEqual(answer?.repositories.slice(0, expected?.repositories.length), expected?.repositories);
    }
  });

  it('turns a blocked repository over to the next mapping, which we do not (docs/decisions/0005)', async () => {
    assert.equal(await ours('q/x'), undefined);
    assert.deepEqual(await theirs('q/x'), { sha256: '3'.repeat(64), repositories: ['c'] });
  });

  it('refuses when two repositories each reach a threshold of 1; TAP 4 has the first one win', async () => {
    assert.deepEqual(await ours('first'), { sha256: '1'.repeat(64), repositories: ['a'] });
    assert.equal(await theirs('first'), undefined);
  });
});
