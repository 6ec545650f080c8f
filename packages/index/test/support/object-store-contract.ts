import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, open, readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { DamagedIndexError, InvalidObjectKeyError, ObjectTooLargeError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/objects/object-store.ts';
import { putMany } from '../../src/objects/put-many.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const maxLength = 1_000_000;

async function listed(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys.sort();
}

/** What every object store does. `open` gives an empty one for each name, and with the same name the same one anew. */
export function objectStoreContract(kind: string, open: (name: string) => Promise<ObjectStore>): void {
  readsBack(kind, open);
  conditions(kind, open);
  tags(kind, open);
  files(kind, open);
  keys(kind, open);
  sizes(kind, open);
  many(kind, open);
}

function readsBack(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: an object that was put is read back whole, in parts and by its prefix, and is gone after delete`, async () => {
    const store = await openStore('plain');
    assert.equal(await store.put('targets/abcdef/x/1.x.whl', bytes('0123456789')), 'stored');
    assert.equal(text(await store.get('targets/abcdef/x/1.x.whl', { maxLength })), '0123456789');
    const object = await store.open('targets/abcdef/x/1.x.whl');
    assert.equal(object?.size, 10);
    assert.equal(Buffer.concat((await object?.stream({ start: 2, end: 4 }).toArray()) ?? []).toString(), '234');
    assert.equal(Buffer.concat((await object?.stream().toArray()) ?? []).toString(), '0123456789');
    object?.close();
    await store.put('metadata/1.root.json', bytes('{}'));
    assert.deepEqual(await listed(store, ''), ['metadata/1.root.json', 'targets/abcdef/x/1.x.whl']);
    assert.deepEqual(await listed(store, 'targets/ab'), ['targets/abcdef/x/1.x.whl']);
    assert.deepEqual(await listed(store, 'nothing/here'), []);
    await store.delete('targets/abcdef/x/1.x.whl');
    await store.delete('targets/abcdef/x/1.x.whl');
    await store.delete('never/was');
    assert.equal(await store.get('targets/abcdef/x/1.x.whl', { maxLength }), undefined);
    assert.equal(await store.open('targets/abcdef/x/1.x.whl'), undefined);
  });

  test(`${kind}: an empty object is an object`, async () => {
    const store = await openStore('empty');
    assert.equal(await store.put('a', bytes('')), 'stored');
    assert.equal(await store.put('a', bytes('more'), { ifAbsent: true }), 'exists');
    assert.equal((await store.get('a', { maxLength: 0 }))?.length, 0);
    const object = await store.open('a');
    assert.equal(object?.size, 0);
    assert.deepEqual(await object?.stream().toArray(), []);
    object?.close();
  });
}

function conditions(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: put replaces, put with ifAbsent does not, and of twenty at once exactly one wins`, async () => {
    const store = await openStore('conditional');
    await store.put('a/b', bytes('one'));
    assert.equal(await store.put('a/b', bytes('two')), 'stored');
    assert.equal(await store.put('a/b', bytes('three'), { ifAbsent: true }), 'exists');
    assert.equal(text(await store.get('a/b', { maxLength })), 'two');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.put('race/x', bytes(`writer ${i}`), { ifAbsent: true })),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1);
    assert.equal(text(await store.get('race/x', { maxLength })), `writer ${outcomes.indexOf('stored')}`);
    const incoming = await store.incoming();
    await assert.rejects(access(incoming.path), { code: 'ENOENT' });
  });
}

function tags(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: put with a tag replaces what was read and nothing else, and of twenty at once exactly one wins`, async () => {
    const store = await openStore('tagged');
    const read = async (): Promise<{ text: string | undefined; tag: string }> => {
      const object = await store.read('a/b', { maxLength });
      return { text: text(object?.bytes), tag: object?.tag ?? '' };
    };
    await store.put('a/b', bytes('one'));
    const { tag } = await read();
    assert.equal((await read()).tag, tag);
    assert.equal(await store.put('a/b', bytes('two'), { ifTag: tag }), 'stored');
    assert.equal(await store.put('a/b', bytes('three'), { ifTag: tag }), 'exists');
    assert.equal((await read()).text, 'two');
    const second = (await read()).tag;
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.put('a/b', bytes(`writer ${i}`), { ifTag: second })),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1);
    assert.equal((await read()).text, `writer ${outcomes.indexOf('stored')}`);
    await store.delete('a/b');
    assert.equal(await store.put('a/b', bytes('four'), { ifTag: second }), 'exists');
    assert.equal(await store.read('a/b', { maxLength }), undefined);
    const incoming = await store.incoming();
    await writeFile(incoming.path, 'five');
    assert.equal(await store.put('a/b', { file: incoming.path }, { ifTag: second }), 'exists');
    await assert.rejects(access(incoming.path), { code: 'ENOENT' });
  });
}

function files(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: a file is moved in and gone from incoming; what nobody moved is swept at the next start`, async () => {
    const store = await openStore('moved');
    const [kept, lost, second] = [await store.incoming(), await store.incoming(), await store.incoming()];
    await writeFile(kept.path, 'kept');
    await writeFile(lost.path, 'lost');
    await writeFile(second.path, 'second');
    assert.equal(await store.put('x/kept', { file: kept.path }, { ifAbsent: true }), 'stored');
    assert.equal(await store.put('x/kept', { file: second.path }, { ifAbsent: true }), 'exists');
    await kept.discard();
    for (const { path } of [kept, second]) await assert.rejects(access(path), { code: 'ENOENT' });
    await access(lost.path);
    const again = await openStore('moved');
    await assert.rejects(access(lost.path), { code: 'ENOENT' });
    assert.equal(text(await again.get('x/kept', { maxLength })), 'kept');
  });

  test(`${kind}: a file of many megabytes comes back bit by bit, and a reader may stop in the middle`, async () => {
    const store = await openStore('large');
    const size = 12 * 2 ** 20;
    const block = Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 7919) >> 5));
    const incoming = await store.incoming();
    const handle = await open(incoming.path, 'wx');
    for (let at = 0; at < size; at += block.length) await handle.write(block);
    await handle.close();
    assert.equal(await store.put('big', { file: incoming.path }), 'stored');
    const object = await store.open('big');
    assert.equal(object?.size, size);
    let at = 0;
    const bytesOf: AsyncIterable<Buffer> = object?.stream() ?? Readable.from([]);
    for await (const chunk of bytesOf) {
      const from = at % block.length;
      const expected = Buffer.concat([block, block]).subarray(from, from + chunk.length);
      assert.ok(chunk.length > block.length || expected.equals(chunk), `differs after ${at}`);
      at += chunk.length;
    }
    assert.equal(at, size);
    const stopped = object?.stream() ?? Readable.from([]);
    await once(stopped, 'readable');
    stopped.destroy();
    await once(stopped, 'close');
    object?.close();
  });
}

function keys(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: no key reaches outside the store or a temporary file`, async () => {
    const store = await openStore('keys');
    const odd = [
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
    for (const key of [...odd, 'x'.repeat(256), `${'a/'.repeat(8)}a`]) {
      await assert.rejects(store.put(key, bytes('x')), InvalidObjectKeyError, key);
      await assert.rejects(store.get(key, { maxLength }), InvalidObjectKeyError, key);
      await assert.rejects(store.open(key), InvalidObjectKeyError, key);
      await assert.rejects(store.delete(key), InvalidObjectKeyError, key);
    }
    await assert.rejects(listed(store, '../x'), InvalidObjectKeyError);
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 12, unit: fc.constantFrom('.', '/', 'a', '\0', '\\', '%') }),
        async (key) => {
          const isKey = /^a[a.]*(\/a[a.]*)*$/.test(key); // Those may fail where one is a file and another below it.
          await store
            .put(key, bytes('x'))
            .then(() => assert.ok(isKey))
            .catch((error: unknown) => assert.ok(isKey || error instanceof InvalidObjectKeyError));
        },
      ),
    );
    for (const key of await listed(store, '')) assert.match(key, /^a[a.]*(\/a[a.]*)*$/);
  });

  test(`${kind}: keys with every character that a key may have are kept apart and read back`, async () => {
    const store = await openStore('characters');
    const some = [
      'a+b',
      'a~b',
      'a!b',
      'a_b',
      'A_B',
      'a-1.0.tar.gz',
      '1!2.0+local.1',
      'x'.repeat(200),
      'd/e/f/g/h/i/j/k',
    ];
    for (const key of some) await store.put(key, bytes(key));
    for (const key of some) assert.equal(text(await store.get(key, { maxLength })), key);
    assert.deepEqual(await listed(store, ''), some.toSorted());
  });
}

function sizes(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: an object that is larger than the reader takes is refused, and one below another is none`, async () => {
    const store = await openStore('sizes');
    await store.put('a/large', new Uint8Array(1001));
    await assert.rejects(store.get('a/large', { maxLength: 1000 }), ObjectTooLargeError);
    assert.equal((await store.get('a/large', { maxLength: 1001 }))?.length, 1001);
    assert.equal(await store.open('a'), undefined);
    assert.equal(await store.open('a/large/below'), undefined);
    assert.equal(await store.get('a/large/below', { maxLength }), undefined);
  });
}

function many(kind: string, openStore: (name: string) => Promise<ObjectStore>): void {
  test(`${kind}: many objects are put at once; none takes the place of one that is there`, async () => {
    const store = await openStore('many');
    const objects = Array.from({ length: 300 }, (_, i) => ({
      key: `metadata/${i % 3}/${i}.json`,
      bytes: bytes(`object ${i}`),
    }));
    await putMany(store, objects);
    assert.equal((await listed(store, 'metadata/')).length, 300);
    for (const { key, bytes: expected } of objects) {
      assert.deepEqual(Buffer.from((await store.get(key, { maxLength })) ?? []), Buffer.from(expected));
    }
    const taken = [
      { key: 'metadata/x.json', bytes: bytes('x') },
      { key: 'metadata/1/7.json', bytes: bytes('*') },
    ];
    await assert.rejects(putMany(store, [...taken]), DamagedIndexError);
    await assert.rejects(putMany(store, [{ key: '../x', bytes: bytes('') }]), InvalidObjectKeyError);
    assert.equal(text(await store.get('metadata/1/7.json', { maxLength })), 'object 7');
    const incoming = await store.incoming();
    assert.deepEqual(await readdir(dirname(incoming.path)), []);
  });
}
