import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, crc32 } from 'node:zlib';
import fc from 'fast-check';
import { type Aspect, compareWheels } from './compare-wheels.ts';
import { describeComparison } from './describe.ts';

/** One member of an archive that a test writes. */
interface Part {
  readonly path: string;
  readonly content: Uint8Array;
  readonly time: number;
  readonly mode: number;
  readonly deflate: boolean;
}

/** A sound ZIP archive. */
function zip(parts: readonly Part[]): Buffer {
  const [files, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { path, content, time, mode, deflate } of parts) {
    const name = Buffer.from(path);
    const packed = deflate ? deflateRawSync(content) : Buffer.from(content);
    const common = Buffer.alloc(26);
    for (const [value, at] of [
      [20, 0],
      [1 << 11, 2],
      [deflate ? 8 : 0, 4],
      [name.length, 22],
    ] as const)
      common.writeUInt16LE(value, at);
    common.writeUInt32LE(time, 6);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((0o100000 | mode) * 0x10000, 6);
    tail.writeUInt32LE(offset, 10);
    files.push(Buffer.from('PK\x03\x04'), common, name, packed);
    directory.push(Buffer.from('PK\x01\x02\x14\x03'), common, tail, name);
    offset += 30 + name.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, list, end]);
}

const TIME = (((2026 - 1980) << 25) | (2 << 21) | (3 << 16) | (4 << 11) | (5 << 5) | 3) >>> 0;

const part = fc.record({
  path: fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8}){0,2}\.py$/),
  content: fc.uint8Array({ maxLength: 200 }),
  time: fc.constant(TIME),
  mode: fc.constantFrom(0o644, 0o755),
  deflate: fc.boolean(),
});
const parts = fc.uniqueArray(part, { selector: ({ path }) => path.split('/')[0], minLength: 1, maxLength: 6 });

/** Ways to make another wheel, and what the comparison must say of the member concerned. */
const changes: Readonly<Record<string, (before: Part) => readonly [after: readonly Part[], aspect: Aspect]>> = {
  content: (before) => [[{ ...before, content: Buffer.concat([before.content, Buffer.from('x')]) }], 'content'],
  time: (before) => [[{ ...before, time: before.time + 1 }], 'time'],
  mode: (before) => [[{ ...before, mode: before.mode ^ 0o111 }], 'mode'],
  removed: () => [[], 'only in the first'],
};

test('names exactly the member that differs and in what, whichever it is, and the mirror image for the other side', async () => {
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(), fc.constantFrom(...Object.keys(changes)), async (made, seed, kind) => {
      const before: readonly Part[] = made;
      const at = seed % before.length;
      const chosen = before[at];
      const change = changes[kind];
      assert.ok(chosen && change);
      const [after, aspect] = change(chosen);
      const [a, b] = [zip(before), zip(before.toSpliced(at, 1, ...after))];
      const there = await compareWheels(a, b);
      assert.deepEqual([there.identical, there.reordered], [false, false]);
      assert.deepEqual(
        there.members.map(({ path, aspects }) => [path, aspects]),
        [[chosen.path, [aspect]]],
      );
      const back = await compareWheels(b, a);
      assert.deepEqual(back.members[0]?.first, there.members[0]?.second);
      assert.deepEqual(back.members[0]?.second, there.members[0]?.first);
    }),
  );
});

test('calls wheels identical exactly when their bytes are', async () => {
  await fc.assert(
    fc.asyncProperty(parts, parts, async (one, other) => {
      const [a, b] = [zip(one), zip(other)];
      assert.equal((await compareWheels(a, b)).identical, a.equals(b));
      assert.equal((await compareWheels(a, Buffer.from(a))).identical, true);
    }),
  );
});

const source = (content: string, more: Partial<Part> = {}): Part => ({
  path: 'demo/a.py',
  content: Buffer.from(content),
  time: TIME,
  mode: 0o644,
  deflate: true,
  ...more,
});
const other = source('b = 1\n', { path: 'demo/b.py' });

test('shows maintainers a table with hashes, times, modes and the first line of text that differs', async () => {
  const a = zip([source('one\ntwo\nthree\n'), other]);
  const b = zip([source('one\n2\u001b[31m\nthree\n', { time: TIME + 1, mode: 0o755 }), other]);
  const text = describeComparison(await compareWheels(a, b), ['this farm', 'the other']);
  const rows = text.split('\n').map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ['member', 'differs in', 'this farm', 'the other']);
  assert.deepEqual(rows[1]?.slice(0, 2), ['the whole wheel', 'content']);
  assert.match(rows[2]?.join('|') ?? '', /^demo\/a\.py\|content\|14 bytes, [0-9a-f]{16}…\|17 bytes, [0-9a-f]{16}…$/);
  assert.deepEqual(rows[3], ['demo/a.py', 'time', '2026-02-03 04:05:06', '2026-02-03 04:05:08']);
  assert.deepEqual(rows[4], ['demo/a.py', 'mode', '100644', '100755']);
  assert.deepEqual(rows[5], ['', 'line 2', 'two', '2\\u{1b}[31m']);
  assert.equal(rows.length, 6);
});

test('says when only the order or the packing differs', async () => {
  const [one, two] = [source('a'.repeat(500)), other];
  const turned = await compareWheels(zip([one, two]), zip([two, one]));
  assert.deepEqual([turned.members.length, turned.reordered], [0, true]);
  assert.match(describeComparison(turned, ['a', 'b']), /another order/);
  const stored = await compareWheels(zip([one, two]), zip([{ ...one, deflate: false }, two]));
  assert.deepEqual(
    stored.members.map(({ aspects }) => aspects),
    [['packing']],
  );
  assert.match(describeComparison(stored, ['a', 'b']), /500 bytes packed/);
});

test('refuses bombs and what is no archive', async () => {
  const fine = zip([source('x')]);
  const bomb = zip([source('', { content: Buffer.alloc(200 << 20) })]);
  await assert.rejects(compareWheels(fine, bomb), { code: 'ARCHIVE_LIMIT' });
  await assert.rejects(
    compareWheels(fine, zip([source('', { content: Buffer.alloc(2000), deflate: false })]), { unpackedBytes: 1000 }),
    {
      code: 'ARCHIVE_LIMIT',
    },
  );
  await assert.rejects(compareWheels(fine, Buffer.from('no archive')), { code: 'ARCHIVE_FRAMING' });
});
