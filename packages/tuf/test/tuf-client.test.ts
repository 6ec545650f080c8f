import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { delegate, key } from './repository.ts';
import { ClientUnderTest, type Outcome, outcomeOf, TUF_CLIENT } from './tuf-client/client-under-test.ts';
import { fromNow, ServedRepository, targetOf } from './tuf-client/served-repository.ts';

const FIRST_REQUESTS = ['3.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'];
const PYTHON = fileURLToPath(new URL('../../../.tools/venv/bin/python', import.meta.url));
const PYTHON_REFRESH = `
import sys
from tuf.ngclient import Updater
Updater(sys.argv[1], sys.argv[2], bootstrap=None).refresh()
`;
const done = (outcome: Outcome): void => assert.equal(outcome.status, 0, outcome.stderr);
const failed = (outcome: Outcome, reason: RegExp): void => {
  assert.equal(outcome.status, 1, outcome.stderr);
  assert.match(outcome.stderr, reason);
};

describe('tuf-client', { concurrency: 2 }, () => {
  it('init trusts a root byte for byte, without a request (§5.2)', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served, false);
    done(await client.init(served.trustedRoot));
    assert.deepEqual(await client.metadata('root.json'), Buffer.from(served.trustedRoot));
    assert.deepEqual(await client.metadataNames(), ['root.json']);
    assert.deepEqual(served.requests, []);
  });

  it('init refuses a root that its own keys did not sign, and refresh then asks nothing', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served, false);
    const unsigned = Buffer.from(served.trustedRoot.map((byte, index) => (index === 150 ? byte ^ 1 : byte)));
    failed(await client.init(unsigned), /UNSIGNED|FORMAT/);
    failed(await client.refresh(), /root\.json/);
    assert.deepEqual(served.requests, []);
  });

  it('refresh makes the requests of the workflow and no other; the next one asks for root and timestamp only (§5)', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served);
    done(await client.refresh());
    assert.deepEqual(served.takeRequests(), FIRST_REQUESTS);
    done(await client.refresh());
    assert.deepEqual(served.takeRequests(), ['3.root.json', 'timestamp.json']);
    await served.repository.publish();
    done(await client.refresh());
    assert.deepEqual(served.takeRequests(), ['3.root.json', 'timestamp.json', '3.snapshot.json', '3.targets.json']);
  });

  it('keeps metadata byte for byte as served, under plain names', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served);
    const { files } = served.repository;
    for (const name of ['timestamp.json', '2.snapshot.json', '2.targets.json'])
      files.set(name, Buffer.concat([Buffer.from(' \n'), served.repository.file(name), Buffer.from('\n \n')]));
    done(await client.refresh());
    assert.deepEqual(await client.metadataNames(), ['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    for (const [local, remote] of [
      ['timestamp.json', 'timestamp.json'],
      ['snapshot.json', '2.snapshot.json'],
      ['targets.json', '2.targets.json'],
    ] as const)
      assert.deepEqual(await client.metadata(local), Buffer.from(served.repository.file(remote)));
  });

  it('goes on from the newest root that it trusted', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served);
    await served.repository.publishRoot();
    await served.repository.publishRoot();
    done(await client.refresh());
    assert.deepEqual(served.takeRequests().slice(0, 4), [
      '3.root.json',
      '4.root.json',
      '5.root.json',
      'timestamp.json',
    ]);
    assert.deepEqual(await client.metadata('root.json'), Buffer.from(served.repository.file('4.root.json')));
    done(await client.refresh());
    assert.deepEqual(served.takeRequests(), ['5.root.json', 'timestamp.json']);
  });

  it('names delegated metadata as python-tuf does', async () => {
    await using served = await ServedRepository.start();
    const { repository } = served;
    const signer = await key();
    const role = 'A b/../ü';
    const delegations = delegate({ name: role, signer, paths: ['*'] });
    served.setRole('targets', { signers: repository.signers.targets, delegations });
    served.setRole(role, { signers: [signer] });
    await repository.publish();
    await using client = await ClientUnderTest.create(served);
    failed(await client.download(['absent']), /NOT_FOUND/);
    assert.equal(served.takeRequests().at(-1), `3.${encodeURIComponent(role)}.json`);
    assert.ok((await client.metadataNames()).includes('A%20b%2F..%2F%C3%BC.json'));
  });

  it('asks for nothing twice when a file is missing or the server fails, and keeps what came before', async () => {
    await using served = await ServedRepository.start();
    for (const [missing, requests] of [
      ['timestamp.json', 2],
      ['2.snapshot.json', 3],
      ['2.targets.json', 4],
    ] as const) {
      for (const status of [404, 500]) {
        await using client = await ClientUnderTest.create(served);
        served.answers.set(`/metadata/${missing}`, (_, response) => response.writeHead(status).end());
        failed(await client.refresh(), /NETWORK/);
        assert.deepEqual(served.takeRequests(), FIRST_REQUESTS.slice(0, requests), `${missing} ${status}`);
        assert.equal((await client.metadataNames()).length, requests - 1);
      }
      served.answers.clear();
    }
  });

  it('obeys a clock that faketime moves, there and back (§5.1)', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served);
    done(await client.refresh());
    failed(await client.refresh({ time: fromNow(2) }), /timestamp expired .*\(EXPIRED\)/);
    served.repository.expires.timestamp = fromNow(30);
    served.repository.expires.snapshot = fromNow(30);
    await served.repository.publish();
    done(await client.refresh({ time: fromNow(20) }));
    done(await client.refresh());
    failed(await client.refresh({ time: fromNow(400) }), /root expired/);
  });

  it('download fetches several targets in order with one refresh, and again only what changed (§5.7.3)', async () => {
    await using served = await ServedRepository.start();
    await served.publishTargets({ 'b/one.txt': '1', 'a.txt': '22', 'c.txt': '333' });
    await using client = await ClientUnderTest.create(served);
    const names = ['b/one.txt', 'a.txt', 'c.txt'];
    done(await client.download(names));
    const targetPath = (name: string, content: string): string =>
      `targets/${name.replace(/[^/]*$/, (last) => `${targetOf(content).hashes.get('sha256')}.${last}`)}`;
    const one = targetPath('b/one.txt', '1');
    assert.deepEqual(served.takeRequests(), [
      '3.root.json',
      'timestamp.json',
      '3.snapshot.json',
      '3.targets.json',
      one,
      targetPath('a.txt', '22'),
      targetPath('c.txt', '333'),
    ]);
    assert.deepEqual([...(await client.downloaded()).values()].toSorted(), ['1', '22', '333']);
    done(await client.download(names));
    assert.deepEqual(served.takeRequests(), ['3.root.json', 'timestamp.json']);
    await served.publishTargets({ 'b/one.txt': '1', 'a.txt': '44', 'c.txt': '333' });
    done(await client.download(names));
    assert.deepEqual(served.takeRequests().slice(4), [targetPath('a.txt', '44')]);
    assert.deepEqual([...(await client.downloaded()).values()].toSorted(), ['1', '333', '44']);
  });

  it('download stops at the first failure and keeps what was done (§5.7.2)', async () => {
    await using served = await ServedRepository.start();
    await served.publishTargets({ first: '1', last: '3' });
    await using client = await ClientUnderTest.create(served);
    failed(await client.download(['first', 'absent', 'last']), /absent.*NOT_FOUND/);
    assert.deepEqual([...(await client.downloaded())], [['first', '1']]);
  });

  it('download keeps nothing of content that is wrong, longer or shorter, and leaves the old file (§1.5.2, §5.7.3)', async () => {
    await using served = await ServedRepository.start();
    await served.publishTargets({ t: 'good' });
    await using client = await ClientUnderTest.create(served);
    done(await client.download(['t']));
    await served.publishTargets({ t: 'new!' });
    for (const [content, reason] of [
      ['evil', /HASH/],
      ['too long', /LENGTH/],
      ['new', /LENGTH/],
    ] as const) {
      served.offer('t', targetOf('new!'), content);
      failed(await client.download(['t']), reason);
      assert.deepEqual([...(await client.downloaded())], [['t', 'good']]);
    }
  });

  it('download checks whichever known hash is announced, and refuses a target without one (§5.7.3)', async () => {
    for (const algorithms of [['sha512'], ['sha384'], ['sha256', 'sha512', 'md5']]) {
      await using served = await ServedRepository.start();
      await served.publishTargets({ t: 'good' }, algorithms);
      await using client = await ClientUnderTest.create(served);
      done(await client.download(['t']));
    }
    await using served = await ServedRepository.start();
    const md5 = targetOf('good', ['md5']);
    served.setRole('targets', { signers: served.repository.signers.targets, targets: new Map([['t', md5]]) });
    await served.repository.publish();
    await using client = await ClientUnderTest.create(served);
    failed(await client.download(['t']), /HASH/);
    assert.deepEqual([...(await client.downloaded())], []);
  });

  it('download keeps targets of any name inside its directory (§4.5, tuf-js deviation 14)', async () => {
    const names = [
      'a?b#c',
      '..',
      '.',
      '%2e%2e',
      '-dash',
      '--x=y',
      'constructor',
      'ü 😀',
      'x'.repeat(300),
      '/abs',
      'A/b',
    ];
    await using served = await ServedRepository.start();
    await served.publishTargets(
      Object.fromEntries([...names, '../../up', 'a/../b'].map((name, index) => [name, `content ${index}`])),
    );
    await using client = await ClientUnderTest.create(served);
    done(await client.download(names));
    failed(await client.download(['../../up']), /cannot be part of an address/);
    failed(await client.download(['a/../b']), /cannot be part of an address/);
    assert.equal((await client.downloaded()).size, names.length);
    assert.equal((await client.downloaded()).get('a%3Fb%23c'), 'content 0');
    assert.deepEqual((await readdir(client.directory)).toSorted(), ['metadata', 'targets', 'trusted-root.json']);
  });

  it('recovers from any metadata file that is cut short, changed or gone (§5, tuf-js deviation 12)', async () => {
    await using served = await ServedRepository.start();
    await served.repository.publishRoot();
    await using client = await ClientUnderTest.create(served);
    done(await client.refresh());
    for (const name of ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json', 'root.2', 'root.3']) {
      const path = join(client.metadataDir, name);
      const bytes = await readFile(path);
      for (const damage of [
        () => truncate(path, bytes.length >> 1),
        () => writeFile(path, bytes.with(bytes.length >> 1, 0)),
        () => unlink(path),
      ]) {
        await damage();
        done(await client.refresh());
        assert.deepEqual(await client.metadata('root.json'), Buffer.from(served.repository.file('3.root.json')));
        if (name.endsWith('.json')) assert.deepEqual(await readFile(path), bytes, name);
      }
    }
  });

  it('killed at any moment leaves no part of a file, and the next run completes (§5, tuf-js deviation 13)', async () => {
    await using served = await ServedRepository.start();
    const big = 'x'.repeat(400_000);
    await served.publishTargets({ big });
    for (const stop of [...FIRST_REQUESTS.map((name) => name.replace('2.', '3.')), 'target']) {
      await using client = await ClientUnderTest.create(served);
      const hash = targetOf(big).hashes.get('sha256') ?? '';
      const url = stop === 'target' ? `/targets/${hash}.big` : `/metadata/${stop}`;
      const reached = Promise.withResolvers<void>();
      served.answers.set(url, (_, response) => {
        const bytes = served.repository.files.get(url.replace(/^\/(?:metadata\/)?/, '')) ?? Buffer.from('{}');
        response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, bytes.length >> 1));
        reached.resolve();
      });
      const child = client.start(client.downloadArguments(['big']));
      await reached.promise;
      child.kill('SIGKILL');
      await once(child, 'close');
      served.answers.clear();
      assert.equal((await client.downloaded()).get('big'), undefined);
      done(await client.download(['big']));
      assert.equal((await client.downloaded()).get('big'), big);
    }
  });

  it('several processes share one directory while the repository moves on', async () => {
    await using served = await ServedRepository.start();
    await served.publishTargets({ t: 'content' });
    await using client = await ClientUnderTest.create(served);
    const running = Array.from({ length: 6 }, () => outcomeOf(client.start(client.downloadArguments(['t']))));
    for (let round = 0; round < 5; round++) {
      await served.repository.publish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const outcome of await Promise.all(running)) done(outcome);
    assert.deepEqual([...(await client.downloaded())], [['t', 'content']]);
    done(await client.refresh());
    assert.deepEqual(await client.metadata('timestamp.json'), Buffer.from(served.repository.file('timestamp.json')));
  });

  it('shares its directory with python-tuf: each goes on where the other stopped', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served);
    const pythonRefreshes = (): Promise<Outcome> =>
      outcomeOf(
        spawn(PYTHON, ['-c', PYTHON_REFRESH, client.metadataDir, `${served.url}/metadata/`], { stdio: 'pipe' }),
      );
    done(await client.refresh());
    served.takeRequests();
    done(await pythonRefreshes());
    assert.deepEqual(served.takeRequests(), ['3.root.json', 'timestamp.json']);
    await served.repository.publishRoot();
    await served.repository.publish();
    done(await pythonRefreshes());
    served.takeRequests();
    done(await client.refresh());
    assert.deepEqual(served.takeRequests(), ['4.root.json', 'timestamp.json']);
    assert.deepEqual(await client.metadata('root.json'), Buffer.from(served.repository.file('3.root.json')));
  });

  it('starts from any directory and through symbolic links, whatever they are called', async () => {
    await using served = await ServedRepository.start();
    await using client = await ClientUnderTest.create(served);
    const directory = join(client.directory, 'a b', 'ü');
    await mkdir(directory, { recursive: true });
    await symlink(TUF_CLIENT, join(directory, 'client'));
    await symlink('ü/client', join(client.directory, 'a b', 'link'));
    done(await client.refresh({ command: join(client.directory, 'a b', 'link'), cwd: '/' }));
    done(await client.refresh({ command: './ü/client', cwd: join(client.directory, 'a b') }));
  });

  it('says how it is used, and ends with 1, when it is called wrongly', () => {
    for (const args of [
      [],
      ['refresh'],
      ['--metadata-dir'],
      ['--metadata-dir', 'm', 'init'],
      ['--metadata-dir', 'm', 'init', 'a', 'b'],
      ['--metadata-dir', 'm', '--metadata-url', 'http://localhost/', 'download'],
      ['--metadata-dir', 'm', '--metadata-url', 'http://localhost/', 'refresh', 'x'],
      ['--unknown', 'x', 'refresh'],
      ['--metadata-dir', 'm', 'update'],
    ]) {
      const { status, stderr } = spawnSync(TUF_CLIENT, args, { encoding: 'utf8', cwd: tmpdir() });
      assert.equal(status, 1);
      assert.match(stderr, /--metadata-dir DIR init ROOTFILE/);
    }
  });
});
