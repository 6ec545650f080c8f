import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LockTimeoutError, Updater } from '@holdfast/tuf';
import {
  FileMetadataStore,
  generateKey,
  readKeyFile,
  withFileLock,
  writeFileAtomic,
  writeKeyFile,
} from '@holdfast/tuf/node';
import fc from 'fast-check';
import { fileName } from '../src/node/file-store.ts';
import { key, NOW, TestRepository } from './repository.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-tuf-'));
after(() => rm(directory, { recursive: true }));
let counter = 0;
const fresh = (name: string): string => join(directory, `${counter++}-${name}`);

function child(script: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn(process.execPath, ['--conditions=holdfast-source', path, ...args]);
}

describe('an atomic write', () => {
  it('makes the file with its mode, replaces it whole, and leaves nothing beside it', async () => {
    const path = join(await mkdtemp(fresh('write-')), 'file');
    await writeFileAtomic(path, Buffer.from('one'), { mode: 0o600 });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await writeFileAtomic(
      path,
      (async function* () {
        yield Buffer.from('t');
        yield Buffer.from('wo');
      })(),
    );
    assert.equal(await readFile(path, 'utf8'), 'two');
    assert.deepEqual(await readdir(join(path, '..')), ['file']);
  });

  it('leaves the old content and no temporary file when the source fails', async () => {
    const path = join(await mkdtemp(fresh('write-')), 'file');
    await writeFileAtomic(path, Buffer.from('old'));
    const failing = (async function* () {
      yield Buffer.from('n');
      throw new Error('cut off');
    })();
    await assert.rejects(writeFileAtomic(path, failing), /cut off/);
    assert.equal(await readFile(path, 'utf8'), 'old');
    assert.deepEqual(await readdir(join(path, '..')), ['file']);
  });
});

describe('a file lock', () => {
  it('lets one in at a time, among processes and inside one', async () => {
    const [lock, log] = [fresh('lock'), fresh('log')];
    const children = [1, 2].map(() => child('child-holds-lock.ts', lock, log, '40'));
    const exits = children.map((process) => once(process, 'exit'));
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        withFileLock(lock, async () => {
          assert.equal(++inside, 1);
          await new Promise((resolve) => setImmediate(resolve));
          inside--;
        }),
      ),
    );
    for (const exit of exits) assert.deepEqual(await exit, [0, null]);
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    assert.equal(lines.length, 160);
    for (let index = 0; index < lines.length; index += 2)
      assert.equal(lines[index + 1], lines[index]?.replace('in', 'out'));
  });

  it('is free at once when its holder is killed, and is not waited for longer than asked', async () => {
    const lock = fresh('lock');
    const holder = child('child-holds-lock.ts', lock, 'none', '0');
    await once(holder.stdout, 'data');
    await assert.rejects(
      withFileLock(lock, async () => 1, { timeoutMs: 30 }),
      LockTimeoutError,
    );
    const aborted = withFileLock(lock, async () => 1, { signal: AbortSignal.timeout(30) });
    await assert.rejects(aborted, { name: /Abort|Timeout/ });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    assert.equal(await withFileLock(lock, async () => 2, { timeoutMs: 1000 }), 2);
  });

  it('is free again after a failure inside', async () => {
    const lock = fresh('lock');
    await assert.rejects(
      withFileLock(lock, () => Promise.reject(new Error('inside'))),
      /inside/,
    );
    assert.equal(await withFileLock(lock, async () => 3, { timeoutMs: 0 }), 3);
  });
});

describe('the file store', () => {
  it('keeps what was written whole when the writer is killed at any moment (§5)', async () => {
    const place = fresh('store');
    for (let round = 0; round < 8; round++) {
      const writer = child('child-writes.ts', place);
      await once(writer.stdout, 'data');
      // Killed after another number of writes each time.
      for (let reads = 0; reads < round * 3; reads++) await readFile(join(place, 'timestamp.json'));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const bytes = await new FileMetadataStore(place).read('timestamp.json');
      assert.equal(bytes?.length, 200_000);
      assert.ok(bytes.every((byte) => byte === bytes[0]));
    }
  });

  it('sweeps what dead writers left behind, but nothing young', async () => {
    const place = fresh('store');
    const store = new FileMetadataStore(place);
    await store.write('a', Buffer.from('a'));
    const [old, young] = ['.0123456789abcdef.tmp', '.fedcba9876543210.tmp'];
    for (const name of [old, young]) await writeFile(join(place, name), '');
    await utimes(join(place, old), 0, 0);
    await new FileMetadataStore(place).write('b', Buffer.from('b'));
    assert.deepEqual((await readdir(place)).sort(), [young, 'a', 'b']);
  });

  it('gives every name a file of its own inside the directory, also where case does not matter', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '.', '', 'A', 'a', 'nul.json', 'a/b', '%2e', 'x'.repeat(300)),
    );
    fc.assert(
      fc.property(names, names, (a, b) => {
        assert.match(fileName(a), /^[a-z0-9_%-][a-z0-9_.%-]{0,199}$/);
        if (a !== b && a.isWellFormed() && b.isWellFormed()) assert.notEqual(fileName(a), fileName(b));
      }),
    );
    assert.equal(fileName('timestamp.json'), 'timestamp.json');
    assert.equal(fileName('NUL'), '%4e%55%4c');
    assert.equal(fileName('nul.json'), '%6eul.json');
    // What is hashed begins as nothing encoded does: else a short name could be chosen to meet a hash.
    assert.match(fileName('x'.repeat(300)), /^%-[0-9a-f]{64}$/);
  });

  it('serves several updaters at once, none of which puts an older timestamp over a newer one', async () => {
    const repository = await TestRepository.create();
    const place = fresh('store');
    const client = (fetcher: ConstructorParameters<typeof Updater>[0]['fetcher']): Updater =>
      new Updater({
        trustedRoot: repository.rootBytes,
        fetcher,
        store: new FileMetadataStore(place),
        clock: () => NOW,
      });
    let overtaken = false;
    const slow = client({
      fetch: async (path, options) => {
        const bytes = await repository.fetch(path, options);
        if (path !== 'timestamp.json' || overtaken) return bytes;
        overtaken = true;
        // While this one holds timestamp 1, the repository publishes 2 and another client stores it.
        await repository.publish();
        await client(repository).refresh();
        return bytes;
      },
    });
    assert.equal((await slow.refresh()).timestampVersion, 2);
    assert.match(await readFile(join(place, 'timestamp.json'), 'utf8'), /"version":2\}\}/);
    assert.match(await readFile(join(place, 'snapshot.json'), 'utf8'), /"version":2\}\}$/);
    assert.equal((await client(repository).refresh()).timestampVersion, 2);
  });

  it('writes nothing for a client whose root is older than the stored one (§5.3.11)', async () => {
    const repository = await TestRepository.create();
    const shared = repository.signers.timestamp;
    repository.signers = { ...repository.signers, timestamp: [...shared, await key()] };
    await repository.publishRoot();
    repository.versions = { ...repository.versions, timestamp: 1_000_000 };
    await repository.publish();
    const place = fresh('store');
    const client = (fetcher: ConstructorParameters<typeof Updater>[0]['fetcher']): Updater =>
      new Updater({
        trustedRoot: repository.rootBytes,
        fetcher,
        store: new FileMetadataStore(place),
        clock: () => NOW,
      });
    let overtaken = false;
    const stale = client({
      fetch: async (path, options) => {
        const bytes = await repository.fetch(path, options);
        if (path !== 'timestamp.json' || overtaken) return bytes;
        overtaken = true;
        repository.signers = { ...repository.signers, timestamp: shared };
        await repository.publishRoot();
        repository.versions = { ...repository.versions, timestamp: 2 };
        await repository.publish();
        await client(repository).refresh();
        return bytes;
      },
    });
    assert.equal((await stale.refresh()).rootVersion, 3);
    assert.equal((await client(repository).refresh()).timestampVersion, 3);
    assert.match(await readFile(join(place, 'timestamp.json'), 'utf8'), /"version":3\}\}/);
  });
});

describe('a key file', () => {
  for (const scheme of ['ed25519', 'ecdsa-sha2-nistp256', 'rsassa-pss-sha256'] as const) {
    it(`gives a ${scheme} key back, with and without a passphrase, for its owner's eyes only`, async () => {
      const signer = await generateKey(scheme);
      for (const passphrase of [undefined, 'p\u00e4ss']) {
        const path = fresh('key');
        await writeKeyFile(path, signer, passphrase);
        assert.equal((await stat(path)).mode & 0o777, 0o600);
        // The same passphrase, typed on a keyboard that composes characters otherwise.
        assert.deepEqual((await readKeyFile(path, passphrase?.normalize('NFD'))).key, signer.key);
      }
    });
  }

  it('says whether the passphrase is missing or wrong, and refuses a changed or foreign file', async () => {
    const path = fresh('key');
    await writeKeyFile(path, await key(), 'right');
    const text = await readFile(path, 'utf8');
    assert.doesNotMatch(text, /BEGIN|PRIVATE/);
    await assert.rejects(readKeyFile(path, undefined), { code: 'KEY_FILE', problem: 'passphrase-missing' });
    await assert.rejects(readKeyFile(path, 'wrong'), { problem: 'passphrase-wrong' });
    const changed: readonly (readonly [RegExp, string])[] = [
      [/"p":1/, '"p":2'],
      [/"N":131072/, '"N":1099511627776'],
      [/"N":131072/, '"N":1048576'],
      [/aes-256-gcm/, 'aes-256-cbc'],
      [/holdfast-key-1/, 'holdfast-key-9'],
      [/\}$/, ''],
      [/"ed25519"/, '"rsa"'],
      [/$/, ' '.repeat(70_000)],
    ];
    for (const [from, to] of changed) {
      await writeFile(path, text.replace(from, to));
      await assert.rejects(readKeyFile(path, 'right'), { code: 'KEY_FILE' });
    }
  });

  it('with the public part of another key is refused', async () => {
    const [path, other] = [fresh('key'), fresh('key')];
    await writeKeyFile(path, await key(), undefined);
    await writeKeyFile(other, await key(), undefined);
    const publicPart = /"public":"[0-9a-f]+"/;
    const replacement = publicPart.exec(await readFile(other, 'utf8'))?.[0] ?? assert.fail();
    await writeFile(path, (await readFile(path, 'utf8')).replace(publicPart, replacement));
    await assert.rejects(readKeyFile(path, undefined), { problem: 'damaged' });
  });

  it('that does not exist fails as the file system says', async () => {
    await assert.rejects(readKeyFile(fresh('key'), undefined), { code: 'ENOENT' });
  });
});
