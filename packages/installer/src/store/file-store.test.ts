import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FileStore } from './file-store.ts';

const content = Buffer.from('the very bytes');
const sha256 = hash('sha256', content, 'hex');
let directory: string;
let damaged: string[];
let store: FileStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  damaged = [];
  store = new FileStore(directory, (path) => damaged.push(path));
  await store.prepare();
});
afterEach(() => rm(directory, { recursive: true }));

const add = () => store.add(sha256, async (into) => void (await into.write(content)));
const held = async (): Promise<boolean> => {
  const file = await store.open(sha256, content.length);
  await file?.handle.close();
  return file !== undefined;
};

test('a file is visible when it is complete and nothing is visible when filling it fails', async () => {
  assert.equal(await held(), false);
  const failure = new Error('wrong hash');
  await assert.rejects(
    store.add(sha256, async () => Promise.reject(failure)),
    failure,
  );
  assert.equal(await held(), false);
  assert.deepEqual(await readdir(join(directory, 'incoming')), []);
  assert.deepEqual(await readFile(await add()), content);
  assert.equal(await held(), true);
});

test('every kind of damage is found before a byte is served: changed, cut, grown, emptied', async () => {
  const path = await add();
  const damages = [
    () => writeFile(path, 'the very bytez'),
    () => truncate(path, 3),
    () => writeFile(path, 'the very bytes and more'),
    () => writeFile(path, ''),
  ];
  for (const damage of damages) {
    await damage();
    assert.equal(await held(), false);
    assert.equal(damaged.at(-1), path);
    await add();
    assert.equal(await held(), true);
  }
});

test('damage that keeps length and time is found by a process that did not just verify the file', async () => {
  const path = await add();
  await writeFile(path, 'the very bytez');
  await utimes(path, 0, 0);
  assert.equal(await new FileStore(directory).open(sha256, content.length), undefined);
});

test('a store sweeps what a dead process left half-written long ago, and nothing that may still be written', async () => {
  const left = join(directory, 'incoming', '999999999-dead');
  const fresh = join(directory, 'incoming', '999999999-fresh');
  const own = join(directory, 'incoming', `${process.pid}-own`);
  for (const path of [left, fresh, own]) await writeFile(path, 'half');
  const longAgo = new Date(Date.now() - 120_000);
  await utimes(left, longAgo, longAgo);
  await utimes(own, longAgo, longAgo);
  await new FileStore(directory).prepare();
  assert.deepEqual(
    (await readdir(join(directory, 'incoming'))).sort(),
    ['999999999-fresh', `${process.pid}-own`].sort(),
  );
});

test('a name that is not a SHA-256 never becomes a path', () => {
  for (const name of ['../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(64)}\0`])
    assert.throws(() => store.pathOf(name));
});
