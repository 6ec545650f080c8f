import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ConsensusError,
  FormatError,
  MemoryMetadataStore,
  MultiRepositoryUpdater,
  parseRepositoryMap,
  type RepositoryStatement,
  type TargetFile,
  UnmappedTargetError,
  Updater,
} from '@holdfast/tuf';
import { later, NOW, TestRepository } from './repository.ts';

const file = (digit: string, more: Readonly<Record<string, string>> = {}, length = 5): TargetFile => ({
  length,
  hashes: new Map(Object.entries({ sha256: digit.repeat(64), ...more })),
});

interface Entry {
  paths: readonly string[];
  repositories: readonly string[];
  threshold: number;
  terminating?: boolean;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Real repositories, each with its own root of trust, behind one map. */
async function clientOf(
  repositories: Readonly<Record<string, Readonly<Record<string, TargetFile>>>>,
  mapping: readonly Entry[],
): Promise<{
  client: MultiRepositoryUpdater;
  repository: (name: string) => TestRepository;
  opened: string[];
  asked: () => readonly string[];
}> {
  const made = new Map<string, TestRepository>();
  for (const [name, targets] of Object.entries(repositories)) {
    const repository = await TestRepository.create();
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      targets: new Map(Object.entries(targets)),
    });
    await repository.publish();
    made.set(name, repository);
  }
  const urls = Object.fromEntries([...made.keys()].map((name) => [name, [`https://${name}.example/`]]));
  const opened: string[] = [];
  const repository = (name: string): TestRepository => made.get(name) ?? assert.fail(name);
  const client = new MultiRepositoryUpdater(parseRepositoryMap(encode({ repositories: urls, mapping })), (name) => {
    opened.push(name);
    return new Updater({
      trustedRoot: repository(name).rootBytes,
      fetcher: repository(name),
      store: new MemoryMetadataStore(),
      clock: () => NOW,
    });
  });
  const asked = (): readonly string[] => [...made.keys()].filter((name) => repository(name).requests.length > 0);
  return { client, repository, opened, asked };
}

const said = (statements: readonly RepositoryStatement[] | undefined): readonly string[] =>
  (statements ?? []).map((statement) =>
    statement.says === 'failed'
      ? `${statement.repository} failed ${statement.error.code}`
      : `${statement.repository} ${statement.says}`,
  );

async function refusal(client: MultiRepositoryUpdater, path: string): Promise<ConsensusError> {
  const outcome: unknown = await client.targetInfo(path).catch((error: unknown) => error);
  assert.ok(outcome instanceof ConsensusError, `${String(outcome)} is no ConsensusError`);
  return outcome;
}

const ALL = ['a', 'b', 'c'];
const twoOfThree: Entry = { paths: ['*'], repositories: ALL, threshold: 2, terminating: true };

describe('several repositories (TAP 4)', () => {
  it('takes what two of three agree on, and asks the third only when it is needed', async () => {
    const same = { a: { x: file('1') }, b: { x: file('1') }, c: { x: file('2') } };
    const { client, asked, opened } = await clientOf(same, [twoOfThree]);
    const info = await client.targetInfo('x');
    assert.deepEqual(info?.file, file('1'));
    assert.deepEqual([...(info?.repositories.keys() ?? [])], ['a', 'b']);
    assert.deepEqual(asked(), ['a', 'b']);
    assert.deepEqual(opened, ['a', 'b']);
  });

  it('outvotes one that disagrees, whichever it is', async () => {
    for (const liar of ALL) {
      const content = Object.fromEntries(ALL.map((name) => [name, { x: file(name === liar ? '6' : '1') }]));
      const { client } = await clientOf(content, [twoOfThree]);
      const info = await client.targetInfo('x');
      assert.deepEqual(info?.file, file('1'));
      assert.equal(info?.repositories.has(liar), false);
    }
  });

  it('does without one that is absent, unreachable or expired, and remembers why', async () => {
    const content = { a: {}, b: { x: file('1') }, c: { x: file('1') } };
    const { client, repository } = await clientOf(content, [twoOfThree]);
    assert.deepEqual([...((await client.targetInfo('x'))?.repositories.keys() ?? [])], ['b', 'c']);

    const unreachable = await clientOf({ ...content, a: { x: file('1') } }, [twoOfThree]);
    unreachable.repository('a').unreachable = true;
    assert.deepEqual([...((await unreachable.client.targetInfo('x'))?.repositories.keys() ?? [])], ['b', 'c']);

    const expired = await clientOf({ ...content, a: { x: file('1') } }, [twoOfThree]);
    expired.repository('a').expires.timestamp = later(-1);
    await expired.repository('a').publish();
    expired.repository('b').unreachable = true;
    const error = await refusal(expired.client, 'x');
    assert.deepEqual(said(error.outcomes[0]?.statements), ['a failed EXPIRED', 'b failed NETWORK', 'c listed']);
    assert.equal(error.cause, error.outcomes[0]?.statements.find((statement) => statement.says === 'failed')?.error);
    assert.equal(repository('a').unreachable, false);
  });

  it('does not count one whose metadata is forged', async () => {
    const { client, repository } = await clientOf({ a: { x: file('6') }, b: { x: file('6') }, c: { x: file('1') } }, [
      { ...twoOfThree, threshold: 3 },
    ]);
    const [stranger] = (await TestRepository.create()).signers.targets;
    repository('b').roles.set('targets', { signers: stranger === undefined ? [] : [stranger] });
    await repository('b').publish();
    assert.deepEqual(said((await refusal(client, 'x')).outcomes[0]?.statements), [
      'a listed',
      'b failed UNSIGNED',
      'c listed',
    ]);
  });

  it('says who said what when too few agree', async () => {
    const { client } = await clientOf({ a: { x: file('1') }, b: { x: file('2') }, c: {} }, [twoOfThree]);
    const error = await refusal(client, 'x');
    assert.deepEqual(said(error.outcomes[0]?.statements), ['a listed', 'b listed', 'c absent']);
    assert.deepEqual(
      error.outcomes.map(({ mapping, threshold, terminating }) => ({ mapping, threshold, terminating })),
      [{ mapping: 0, threshold: 2, terminating: true }],
    );
    assert.equal(error.code, 'CONSENSUS');
    assert.equal(error.path, 'x');
  });

  it('answers undefined only when all that were asked say that there is no such target', async () => {
    const { client } = await clientOf({ a: {}, b: {}, c: {} }, [{ ...twoOfThree, terminating: false }, twoOfThree]);
    assert.equal(await client.targetInfo('x'), undefined);
    const lone = await clientOf({ a: {}, b: {}, c: { x: file('1') } }, [twoOfThree]);
    await refusal(lone.client, 'x');
  });

  it('goes on to the next mapping for a target that a mapping does not have, unless that one is terminating', async () => {
    const content = { a: { 'p/y': file('2') }, b: { 'p/x': file('1'), 'p/y': file('1') }, c: {} };
    for (const terminating of [false, true]) {
      const { client } = await clientOf(content, [
        { paths: ['p/*'], repositories: ['a'], threshold: 1, ...(terminating ? { terminating } : {}) },
        { paths: ['*/*'], repositories: ['b'], threshold: 1, terminating: true },
      ]);
      assert.equal((await client.targetInfo('p/x'))?.mapping, terminating ? undefined : 1);
      // The first mapping that can answer does.
      assert.deepEqual((await client.targetInfo('p/y'))?.file, file('2'));
    }
  });

  it('goes on after a disagreement too, since fewer than the threshold have signed (step 4.2)', async () => {
    const { client } = await clientOf({ a: { x: file('1') }, b: { x: file('2') }, c: { x: file('3') } }, [
      { paths: ['*'], repositories: ['a', 'b'], threshold: 2 },
      { paths: ['*'], repositories: ['c'], threshold: 1 },
    ]);
    assert.deepEqual((await client.targetInfo('x'))?.file, file('3'));
  });

  it('says who lists a target in an earlier mapping, though the last one does not know it', async () => {
    const { client } = await clientOf({ a: { x: file('1') }, b: {}, c: {} }, [
      { paths: ['y', '*'], repositories: ['a', 'b'], threshold: 2 },
      { paths: ['*', 'z'], repositories: ['c'], threshold: 1 },
    ]);
    const { outcomes } = await refusal(client, 'x');
    assert.deepEqual(
      outcomes.map(({ mapping, statements }) => [mapping, ...said(statements)]),
      [
        [0, 'a listed', 'b absent'],
        [1, 'c absent'],
      ],
    );
  });

  it('never lets a public repository answer for internal names (dependency confusion)', async () => {
    const guard: Entry[] = [
      { paths: ['internal-*/*'], repositories: ['private'], threshold: 1, terminating: true },
      { paths: ['*/*'], repositories: ['public'], threshold: 1, terminating: true },
    ];
    const content = {
      private: { 'internal-billing/1.whl': file('1') },
      public: { 'internal-billing/99.whl': file('6'), 'internal-billing/1.whl': file('6'), 'django/5.whl': file('2') },
    };
    const { client, repository, asked } = await clientOf(content, guard);
    assert.deepEqual((await client.targetInfo('internal-billing/1.whl'))?.file, file('1'));
    assert.equal(await client.targetInfo('internal-billing/99.whl'), undefined);
    assert.deepEqual(asked(), ['private']);
    assert.deepEqual((await client.targetInfo('django/5.whl'))?.file, file('2'));
    assert.equal(repository('private').requests.includes('5.whl'), false);
  });

  it('does not turn to the next mapping because a repository was blocked', async () => {
    const mapping: Entry[] = [
      { paths: ['*'], repositories: ['private'], threshold: 1 },
      { paths: ['*'], repositories: ['public'], threshold: 1 },
    ];
    const { client, repository, asked } = await clientOf({ private: {}, public: { x: file('6') } }, mapping);
    repository('private').unreachable = true;
    assert.deepEqual(said((await refusal(client, 'x')).outcomes[0]?.statements), ['private failed NETWORK']);
    assert.deepEqual(asked(), ['private']);
    repository('private').unreachable = false;
    assert.deepEqual((await client.targetInfo('x'))?.file, file('6'));
  });

  it('turns to the next mapping when the failed one could not have made up the threshold', async () => {
    const { client, repository } = await clientOf({ a: {}, b: { x: file('1') }, c: { x: file('3') } }, [
      { paths: ['*'], repositories: ['a', 'b'], threshold: 2 },
      { paths: ['*'], repositories: ['c'], threshold: 1 },
    ]);
    // b and a blocked a could reach two; an a that answers "absent" cannot.
    repository('a').unreachable = true;
    await refusal(client, 'x');
    repository('a').unreachable = false;
    repository('b').unreachable = true;
    assert.deepEqual((await client.targetInfo('x'))?.file, file('3'));
  });

  it('says so when no mapping is for a path, without asking anyone', async () => {
    const { client, asked } = await clientOf({ a: { x: file('1') } }, [
      { paths: ['p/*'], repositories: ['a'], threshold: 1 },
    ]);
    await assert.rejects(client.targetInfo('x'), (error) => error instanceof UnmappedTargetError && error.path === 'x');
    assert.deepEqual(asked(), []);
  });

  it('refreshes every repository of the map, whatever happens to one of them', async () => {
    const { client, repository } = await clientOf({ a: {}, b: {}, c: {} }, [twoOfThree]);
    repository('b').unreachable = true;
    const reports = await client.refresh();
    assert.deepEqual(
      [...reports].map(([name, report]) => [name, 'code' in report ? report.code : report.timestampVersion]),
      [
        ['a', 2],
        ['b', 'NETWORK'],
        ['c', 2],
      ],
    );
  });

  it('ends with the signal, which is no failure of a repository', async () => {
    const { client } = await clientOf({ a: { x: file('1') } }, [{ paths: ['*'], repositories: ['a'], threshold: 1 }]);
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(client.targetInfo('x', { signal }), /enough/);
  });

  it('tries again to open a repository that could not be opened', async () => {
    const repository = await TestRepository.create();
    let attempts = 0;
    const map = parseRepositoryMap(
      encode({
        repositories: { a: ['https://a.example/'] },
        mapping: [{ paths: ['*'], repositories: ['a'], threshold: 1 }],
      }),
    );
    const client = new MultiRepositoryUpdater(map, (name, urls) => {
      assert.deepEqual([name, urls], ['a', ['https://a.example/']]);
      if (attempts++ === 0) throw new Error('no root yet');
      return new Updater({
        trustedRoot: repository.rootBytes,
        fetcher: repository,
        store: new MemoryMetadataStore(),
        clock: () => NOW,
      });
    });
    await assert.rejects(client.targetInfo('x'), /no root yet/);
    assert.equal(await client.targetInfo('x'), undefined);
    await client.targetInfo('x');
    assert.equal(attempts, 2);
  });
});

describe('agreement on a target (TAP 4)', () => {
  const agree = async (files: Readonly<Record<string, TargetFile>>, threshold: number) => {
    const content = Object.fromEntries(Object.entries(files).map(([name, listed]) => [name, { x: listed }]));
    const repositories = Object.keys(files);
    return (await clientOf(content, [{ paths: ['*'], repositories, threshold, terminating: true }])).client;
  };

  it('needs the same length, and every common hash the same', async () => {
    await refusal(await agree({ a: file('1'), b: file('1', {}, 6) }, 2), 'x');
    const sha512 = (digit: string) => ({ sha512: digit.repeat(128) });
    await refusal(await agree({ a: file('1', sha512('1')), b: file('1', sha512('2')) }, 2), 'x');
    await refusal(await agree({ a: file('1', { md5: '11' }), b: file('1', { md5: '22' }) }, 2), 'x');
  });

  it('needs a hash in common that is known here', async () => {
    const only = (algorithm: string): TargetFile => ({ length: 5, hashes: new Map([[algorithm, '1'.repeat(64)]]) });
    await refusal(await agree({ a: only('sha256'), b: only('sha512') }, 2), 'x');
    await refusal(await agree({ a: only('md5'), b: only('md5') }, 2), 'x');
  });

  it('hands on the hashes of all that agree, so that content is checked for each of them', async () => {
    const sha384 = { sha384: '3'.repeat(96) };
    const sha512 = { sha512: '5'.repeat(128) };
    const info = await (await agree({ a: file('1', sha384), b: file('1', sha512) }, 2)).targetInfo('x');
    assert.deepEqual(info?.file, file('1', { ...sha384, ...sha512 }));
    assert.deepEqual(info?.repositories.get('b')?.file, file('1', sha512));
  });

  it('is pairwise: two that contradict one another do not agree because a third one fits both', async () => {
    const sha512 = (digit: string) => ({ sha512: digit.repeat(128) });
    const files = { a: file('1'), b: file('1', sha512('1')), c: file('1', sha512('2')), d: file('1', sha512('2')) };
    const info = await (await agree(files, 3)).targetInfo('x');
    assert.deepEqual([...(info?.repositories.keys() ?? [])], ['a', 'c', 'd']);
  });

  it('does not look at custom, and gives that of the first repository', async () => {
    const custom = (value: string): TargetFile => ({ ...file('1'), custom: new Map([['c', value]]) });
    const info = await (await agree({ a: custom('a'), b: custom('b') }, 2)).targetInfo('x');
    assert.equal(info?.file.custom?.get('c'), 'a');
    assert.equal(info?.repositories.get('b')?.file.custom?.get('c'), 'b');
  });
});

describe('the map file (TAP 4)', () => {
  const repositories = {
    Django: ['https://django.example/'],
    PyPI: ['https://pypi.example/', 'https://mirror.example/'],
  };
  const entry = { paths: ['django/*'], repositories: ['Django', 'PyPI'], threshold: 2, terminating: false };
  const refuses = (value: unknown, problem: RegExp): void =>
    assert.throws(
      () => parseRepositoryMap(value instanceof Uint8Array ? value : encode(value)),
      (error) => error instanceof FormatError && problem.test(error.message),
      `${problem.source} expected`,
    );

  it('is read as TAP 4 has it', () => {
    const map = parseRepositoryMap(encode({ repositories, mapping: [entry] }));
    assert.deepEqual([...map.repositories], Object.entries(repositories));
    const [mapping] = map.mappings;
    assert.deepEqual([mapping?.repositories, mapping?.threshold, mapping?.terminating], [['Django', 'PyPI'], 2, false]);
    assert.equal(mapping?.paths[0]?.matches('django/a'), true);
    assert.equal(mapping?.paths[0]?.matches('django/a/b'), false, 'a star ends at a slash, as in delegations');
  });

  it('takes no name that is not one plain directory everywhere (GHSA-jqc5-w2xx-5vq4)', () => {
    const names = [
      '',
      '.',
      '..',
      '../up',
      'a/b',
      'a\\b',
      '/etc',
      'C:',
      'a\u0000',
      'é',
      'a b',
      '.hidden',
      'dot.',
      '-x',
      '__proto__',
    ];
    for (const name of [...names, 'nul', 'COM1.txt', 'lpt9', 'a'.repeat(65)])
      refuses({ repositories: { [name]: ['https://x.example/'] }, mapping: [] }, /directory/);
    for (const name of ['a', 'PyPI-2_x.y', 'constructor', '10', 'beacon', 'a'.repeat(64)])
      parseRepositoryMap(encode({ repositories: { [name]: ['https://x.example/'] }, mapping: [] }));
  });

  it('takes no two names that differ only in case', () => {
    refuses({ repositories: { PyPI: ['https://x.example/'], pypi: ['https://y.example/'] }, mapping: [] }, /case/);
  });

  it('takes no repository without an address, and no address that is none', () => {
    for (const urls of [
      [],
      ['pypi.example'],
      ['https://u@x.example/'],
      ['https://:p@x.example/'],
      ['https://x.example/?a'],
      ['https://x.example/#a'],
    ])
      refuses({ repositories: { a: urls }, mapping: [] }, /^repositories\["a"\]: .*(?:address|empty)/);
  });

  it('takes no mapping that cannot mean what it says', () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ repositories: ['Flask'] }, /^mapping\[\]\.repositories: Flask is not/],
      [{ repositories: [] }, /repositories: is empty/],
      [{ repositories: ['PyPI', 'PyPI'] }, /twice/],
      [{ paths: [] }, /^mapping\[\]\.paths: is empty/],
      [{ paths: [''] }, /^mapping\[\]\.paths: .*1024 characters/],
      [{ paths: [1] }, /^mapping\[\]\.paths: /],
      [{ paths: 'x' }, /^mapping\[\]\.paths: /],
      [{ threshold: 0 }, /threshold/],
      [{ threshold: 3 }, /threshold: is 3, but there are 2/],
      [{ threshold: undefined }, /threshold/],
      [{ terminating: 'yes' }, /terminating/],
      [{ terminatng: true }, /^mapping\[\]: .*terminatng/],
    ];
    for (const [change, problem] of wrong) refuses({ repositories, mapping: [{ ...entry, ...change }] }, problem);
    refuses({ repositories, mapping: [entry], mappings: [] }, /^map: .*mappings/);
    refuses({ repositories, mapping: {} }, /^mapping: /);
    refuses({ repositories: [], mapping: [] }, /^repositories: /);
    const without = parseRepositoryMap(encode({ repositories, mapping: [{ ...entry, terminating: undefined }] }));
    assert.equal(without.mappings[0]?.terminating, false);
  });

  it('is limited in size and counts, and is strict JSON', () => {
    const padded = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length).fill(0x20);
      bytes.set(encode({ repositories, mapping: [entry] }));
      return bytes;
    };
    refuses(padded(1_000_001), /^map: is longer than 1000000/);
    assert.equal(parseRepositoryMap(padded(1_000_000)).mappings.length, 1);
    refuses(new TextEncoder().encode('{"repositories":{},"repositories":{},"mapping":[]}'), /twice|duplicate/i);
    const many = (count: number, make: (index: number) => unknown): unknown[] =>
      Array.from({ length: count }, (_, i) => make(i));
    const url = 'https://x.example/';
    const named = (count: number) =>
      Object.fromEntries(many(count, (i) => `r${i}`).map((name) => [String(name), [url]]));
    const limits: [number, RegExp, (count: number) => unknown][] = [
      [64, /^repositories: lists more than 64/, (count) => ({ repositories: named(count), mapping: [] })],
      [32, /more than 32/, (count) => ({ repositories: { a: many(count, () => url) }, mapping: [] })],
      [1024, /^mapping: lists more than 1024/, (count) => ({ repositories, mapping: many(count, () => entry) })],
      [
        16,
        /^mapping\[\]\.repositories: lists more than 16/,
        (count) => ({ repositories: named(17), mapping: [{ ...entry, repositories: Object.keys(named(count)) }] }),
      ],
      [
        1024,
        /^mapping\[\]\.paths: lists more than 1024/,
        (count) => ({ repositories, mapping: [{ ...entry, paths: many(count, () => 'x') }] }),
      ],
      [1024, /characters/, (count) => ({ repositories, mapping: [{ ...entry, paths: ['x'.repeat(count)] }] })],
    ];
    for (const [limit, problem, make] of limits) {
      parseRepositoryMap(encode(make(limit)));
      refuses(make(limit + 1), problem);
    }
  });
});
