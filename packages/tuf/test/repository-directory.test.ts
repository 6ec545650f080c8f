import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LockTimeoutError, type MetadataStore, Repository } from '@holdfast/tuf';
import { DirectoryStorage, FileMetadataStore, generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import { emptyFile } from './repository.ts';
import { by, reader, text } from './served.ts';

const CHILD = fileURLToPath(new URL('child-publishes.ts', import.meta.url));

let scratch = '';
let all: LocalSigner;
let fresh: LocalSigner;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-repository-'));
  [all, fresh] = await Promise.all([generateKey('ed25519'), generateKey('ed25519')]);
  await writeKeyFile(join(scratch, 'all'), all, undefined);
  await writeKeyFile(join(scratch, 'fresh'), fresh, undefined);
});

after(() => rm(scratch, { recursive: true }));

async function create(name: string): Promise<{ directory: string; root: Uint8Array; repository: Repository }> {
  const directory = join(scratch, name);
  const roles = { root: by(all), timestamp: by(all), snapshot: by(all), targets: by(all) };
  const options = { storage: new DirectoryStorage(directory), clock: () => new Date(), signers: [all, fresh] };
  const repository = await Repository.create({ ...options, roles });
  await repository.update((draft) => draft.targets.addFile('old', text('old')));
  return { directory, root: repository.root, repository };
}

async function child(...args: readonly string[]): Promise<{ signal: NodeJS.Signals | null; output: string }> {
  const [directory = '', ...rest] = args;
  const started = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, directory, scratch, ...rest]);
  let output = '';
  for (const stream of [started.stdout, started.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [, signal] = (await once(started, 'close')) as [number | null, NodeJS.Signals | null];
  return { signal, output };
}

const look = async (directory: string, root: Uint8Array, store?: MetadataStore) => {
  const client = reader(new DirectoryStorage(directory), root, { now: new Date(), ...(store && { store }) });
  const { timestampVersion, rootVersion } = await client.refresh();
  const [old, made] = [await client.targetInfo('old'), await client.targetInfo('r/new')];
  assert.notEqual(old, undefined);
  return { timestampVersion, rootVersion, isNew: made !== undefined };
};

describe('a repository in a directory', () => {
  it('stays readable when its publisher is killed between any two writes; the next one finishes or begins anew', async () => {
    const { directory, root } = await create('killed');
    let finished = false;
    const outcomes: string[] = [];
    for (let fatal = 0; !finished; fatal++) {
      const copy = join(scratch, `killed-${fatal}`);
      await cp(directory, copy, { recursive: true });
      const store = new FileMetadataStore(join(scratch, `killed-${fatal}-client`));
      assert.equal((await look(copy, root, store)).isNew, false);
      const { signal, output } = await child(copy, 'rotate', String(fatal));
      finished = signal === null;
      assert.equal(finished, output === 'done\n', output);
      // Old and new clients read at once, whoever died where.
      const seen = await look(copy, root);
      assert.deepEqual((await look(copy, root, store)).timestampVersion, seen.timestampVersion);
      assert.equal(seen.timestampVersion, seen.isNew ? 3 : 2);
      // The next publisher, with the new key alone for the timestamp if the journal stood, goes on.
      const journal = (await readdir(join(copy, 'state'))).includes('publication.json');
      const options = { storage: new DirectoryStorage(copy), clock: () => new Date(), trustedRoot: root };
      const next = await Repository.open({ ...options, signers: [all, fresh] });
      const repaired = await look(copy, root, store);
      assert.equal(repaired.isNew, journal || seen.isNew);
      assert.equal(repaired.rootVersion, repaired.isNew ? 2 : 1);
      await next.update((draft) => draft.targets.addFile('after', text('after')));
      assert.equal((await look(copy, root, store)).timestampVersion, repaired.timestampVersion + 1);
      assert.equal((await readdir(join(copy, 'state'))).includes('publication.json'), false);
      outcomes.push(`${journal ? 'journal' : '-'} ${seen.isNew ? 'new' : 'old'} ${seen.rootVersion}`);
    }
    // All stages were met, the one between timestamp and root included.
    assert.deepEqual([...new Set(outcomes)], ['- old 1', 'journal old 1', 'journal new 1', 'journal new 2', '- new 2']);
  });

  it('survives being killed at any moment, at random, many times in a row', async () => {
    const { directory, root } = await create('random');
    const store = new FileMetadataStore(join(scratch, 'random-client'));
    let published = 2;
    for (let round = 0; round < 6; round++) {
      const args = ['--conditions=holdfast-source', CHILD, directory, scratch, `r${round}`, '1000'];
      const started = spawn(process.execPath, args);
      // It has begun to publish when the timestamp moves on; then it is somewhere in the middle of something.
      const version = async () => (await look(directory, root, store)).timestampVersion;
      while (started.exitCode === null && (await version()) < published + 2 + round);
      assert.equal(started.exitCode, null, 'it should publish until it is killed');
      started.kill('SIGKILL');
      await once(started, 'close');
      published = await version();
    }
    const repository = await Repository.open({
      storage: new DirectoryStorage(directory),
      clock: () => new Date(),
      signers: [all],
      trustedRoot: root,
    });
    const last = await repository.update((draft) => draft.targets.addTarget('last', emptyFile()));
    // Names that begin with a dot are what the dead were writing; nobody is offered them, and they go in time.
    const names = (await readdir(join(directory, 'metadata'))).filter((name) => !name.startsWith('.'));
    const versions = names.filter((name) => name.endsWith('.snapshot.json'));
    // Every version was used once, none was left out.
    assert.equal(versions.length, last.get('snapshot'));
    assert.equal(names.length, 2 * versions.length + 2);
    await look(directory, root, store);
  });

  it('is changed by several processes at once, one after the other, and loses nothing', async () => {
    const { directory, root } = await create('shared');
    const names = ['a', 'b', 'c'];
    const outputs = await Promise.all(names.map((name) => child(directory, name, '8')));
    assert.deepEqual(new Set(outputs.map(({ output }) => output)), new Set(['done\n']));
    const client = reader(new DirectoryStorage(directory), root, { now: new Date() });
    assert.equal((await client.refresh()).snapshotVersion, 2 + 24);
    for (const name of names)
      for (let number = 0; number < 8; number++)
        assert.equal((await client.targetInfo(`${name}/${number}`))?.file.length, number);
  });

  it('tells a publisher that waited too long for another one', async () => {
    const { directory, root, repository } = await create('locked');
    const storage = new DirectoryStorage(directory, { timeoutMs: 20 });
    await repository.update(async () => {
      const opening = Repository.open({ storage, clock: () => new Date(), signers: [all], trustedRoot: root });
      await assert.rejects(opening, LockTimeoutError);
    });
    await Repository.open({ storage, clock: () => new Date(), signers: [all], trustedRoot: root });
  });

  it('shows half written files to nobody, and forgets them in time', async () => {
    const { directory, root } = await create('abandoned');
    const abandoned = join(directory, 'state', '.0123456789abcdef.tmp');
    await writeFile(abandoned, 'half');
    await utimes(abandoned, new Date(0), new Date(0));
    const storage = new DirectoryStorage(directory);
    await Repository.open({ storage, clock: () => new Date(), signers: [all], trustedRoot: root });
    assert.deepEqual(await readdir(join(directory, 'state')), ['lock']);
    assert.deepEqual((await readdir(directory)).toSorted(), ['metadata', 'state', 'targets']);
  });

  it('keeps to the port: creates once, replaces, lists below a folder, stays inside of its directory', async () => {
    const directory = join(scratch, 'port');
    const storage = new DirectoryStorage(directory);
    assert.deepEqual(await storage.list('metadata'), []);
    await storage.remove('metadata/x');
    assert.equal(await storage.create('metadata/a/x', text('1')), 'created');
    assert.equal(await storage.create('metadata/a/x', text('2')), 'exists');
    assert.deepEqual(await readFile(join(directory, 'metadata/a/x'), 'utf8'), '1');
    await storage.replace('metadata/y', text('3'));
    assert.deepEqual((await storage.list('metadata')).toSorted(), ['metadata/a/x', 'metadata/y']);
    assert.deepEqual(await storage.read('metadata/z'), undefined);
    for (const path of ['../x', 'a/../../x', '/x', '', 'a\\..\\x'])
      await assert.rejects(storage.create(path, text('')), { code: 'FORMAT' }, path);
    await storage.remove('metadata/y');
    assert.deepEqual(await storage.list('metadata'), ['metadata/a/x']);
  });
});
