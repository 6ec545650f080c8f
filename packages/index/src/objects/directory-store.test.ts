import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { objectStoreContract } from '../../test/support/object-store-contract.ts';
import { DirectoryStore } from './directory-store.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-objects-'));
after(() => rm(directory, { recursive: true }));

objectStoreContract('directory', (name) => DirectoryStore.open(join(directory, name)));

test('nothing but objects and incoming is made, and nothing stays in incoming', async () => {
  const store = await DirectoryStore.open(join(directory, 'tidy'));
  await store.put('a/b', new Uint8Array(1), { ifAbsent: true });
  await store.put('a/b', new Uint8Array(1), { ifAbsent: true });
  assert.deepEqual((await readdir(join(directory, 'tidy'))).sort(), ['incoming', 'objects']);
  assert.deepEqual(await readdir(join(directory, 'tidy', 'incoming')), []);
});

test('a symbolic link in the store is no object', async () => {
  const store = await DirectoryStore.open(join(directory, 'odd'));
  await store.put('a/b', new Uint8Array(1));
  await symlink('/etc/hostname', join(directory, 'odd', 'objects', 'a', 'link'));
  assert.equal(await store.get('a/link', { maxLength: 1_000 }), undefined);
  assert.equal(await store.open('a/link'), undefined);
});
