import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { InvalidObjectKeyError, ObjectTooLargeError } from '../errors.ts';
import { DirectoryStore } from './directory-store.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-objects-'));
after(() => rm(directory, { recursive: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const maxLength = 1_000_000;

async function listed(store: DirectoryStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys;
}

test('an object that was put is read back whole, in parts and by its prefix, and is gone after delete', async () => {
  const store = await DirectoryStore.open(join(directory, 'plain'));
  assert.equal(await store.put('targets/abcdef/x/1.x.whl', bytes('0123456789')), 'stored');
  assert.equal(text(await store.get('targets/abcdef/x/1.x.whl', { maxLength })), '0123456789');
  const object = await store.open('targets/abcdef/x/1.x.whl');
  assert.equal(object?.size, 10);
  assert.equal(Buffer.concat((await object?.stream({ start: 2, end: 4 }).toArray()) ?? []).toString(), '234');
  assert.equal(Buffer.concat((await object?.stream().toArray()) ?? []).toString(), '0123456789');
  object?.close();
  await store.put('metadata/1.root.json', bytes('{}'));
  assert.deepEqual((await listed(store, '')).sort(), ['metadata/1.root.json', 'targets/abcdef/x/1.x.whl']);
  assert.deepEqual(await listed(store, 'targets/ab'), ['targets/abcdef/x/1.x.whl']);
  assert.deepEqual(await listed(store, 'nothing/here'), []);
  await store.delete('targets/abcdef/x/1.x.whl');
  await store.delete('targets/abcdef/x/1.x.whl');
  await store.delete('never/was');
  assert.equal(await store.get('targets/abcdef/x/1.x.whl', { maxLength }), undefined);
  assert.equal(await store.open('targets/abcdef/x/1.x.whl'), undefined);
});

test('put replaces, put with ifAbsent does not, and of twenty at once exactly one wins', async () => {
  const store = await DirectoryStore.open(join(directory, 'conditional'));
  await store.put('a/b', bytes('one'));
  assert.equal(await store.put('a/b', bytes('two')), 'stored');
  assert.equal(await store.put('a/b', bytes('three'), { ifAbsent: true }), 'exists');
  assert.equal(text(await store.get('a/b', { maxLength })), 'two');
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => store.put('race/x', bytes(`writer ${i}`), { ifAbsent: true })),
  );
  assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1);
  assert.equal(text(await store.get('race/x', { maxLength })), `writer ${outcomes.indexOf('stored')}`);
  assert.deepEqual(await readdir(join(directory, 'conditional', 'incoming')), []);
});

test('a file is moved in and gone from incoming; what nobody moved is swept at the next start', async () => {
  const store = await DirectoryStore.open(join(directory, 'moved'));
  const [kept, lost, second] = [await store.incoming(), await store.incoming(), await store.incoming()];
  await writeFile(kept.path, 'kept');
  await writeFile(lost.path, 'lost');
  await writeFile(second.path, 'second');
  assert.equal(await store.put('x/kept', { file: kept.path }, { ifAbsent: true }), 'stored');
  assert.equal(await store.put('x/kept', { file: second.path }, { ifAbsent: true }), 'exists');
  await kept.discard();
  assert.equal((await readdir(join(directory, 'moved', 'incoming'))).length, 1);
  const again = await DirectoryStore.open(join(directory, 'moved'));
  assert.deepEqual(await readdir(join(directory, 'moved', 'incoming')), []);
  assert.equal(text(await again.get('x/kept', { maxLength })), 'kept');
});

test('no key reaches outside the store or a temporary file', async () => {
  const store = await DirectoryStore.open(join(directory, 'keys'));
  const hostile = [
    '',
    '/',
    '..',
    '../x',
    'a/../b',
    'a//b',
    '/etc/passwd',
    'a/.hidden',
    '.x',
    'a\\b',
    'a\0b',
    'a b',
    'é',
    'a/',
  ];
  for (const key of [...hostile, 'x'.repeat(256), 'a/'.repeat(8) + 'a']) {
    await assert.rejects(store.put(key, bytes('x')), InvalidObjectKeyError, key);
    await assert.rejects(store.get(key, { maxLength }), InvalidObjectKeyError, key);
    await assert.rejects(store.delete(key), InvalidObjectKeyError, key);
  }
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 12, unit: fc.constantFrom('.', '/', 'a', '\0', '\\', '%') }),
      async (key) => {
        await store.put(key, bytes('x')).catch((error: unknown) => assert.ok(error instanceof InvalidObjectKeyError));
      },
    ),
  );
  assert.deepEqual((await readdir(join(directory, 'keys'))).sort(), ['incoming', 'objects']);
});

test('a symbolic link or a directory in the store is no object, and a large object is refused before it is read', async () => {
  const store = await DirectoryStore.open(join(directory, 'odd'));
  await store.put('a/large', new Uint8Array(1001));
  await assert.rejects(store.get('a/large', { maxLength: 1000 }), ObjectTooLargeError);
  await symlink('/etc/hostname', join(directory, 'odd', 'objects', 'a', 'link'));
  assert.equal(await store.get('a/link', { maxLength }), undefined);
  assert.equal(await store.open('a'), undefined);
  assert.equal(await store.open('a/large/below'), undefined);
});
