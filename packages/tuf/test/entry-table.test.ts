import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isJsonObject, parseJson, parseSnapshot, parseTargets, TufError } from '@holdfast/tuf';

/** What the specification asks of an entry, said once more, slowly, over the plain tree. */
const REFERENCE = {
  targets(value: unknown): boolean {
    if (!(value instanceof Map) || !natural(value.get('length'), 0) || !hashes(value.get('hashes'))) return false;
    return !value.has('custom') || value.get('custom') instanceof Map;
  },
  meta(value: unknown): boolean {
    if (!(value instanceof Map) || !natural(value.get('version'), 1)) return false;
    const length = !value.has('length') || natural(value.get('length'), 0);
    return length && (!value.has('hashes') || hashes(value.get('hashes')));
  },
};
const natural = (value: unknown, minimum: number): boolean => typeof value === 'number' && value >= minimum;
const hashes = (value: unknown): boolean =>
  value instanceof Map &&
  value.size > 0 &&
  [...value.values()].every((hash) => typeof hash === 'string' && /^([0-9a-f]{2})+$/.test(hash));

const READERS = { targets: parseTargets, meta: parseSnapshot };
type Member = keyof typeof READERS;

function document(member: Member, entries: string): Uint8Array {
  const type = member === 'meta' ? 'snapshot' : 'targets';
  return new TextEncoder().encode(
    `{"signatures":[],"signed":{"_type":"${type}","expires":"2030-01-01T00:00:00Z","${member}":${entries},"spec_version":"1.0.34","version":1}}`,
  );
}

/** The fast reader and the slow reference refuse the same and, else, find the same. */
function agree(member: Member, bytes: Uint8Array): void {
  let found: unknown;
  try {
    const { signed } = READERS[member](bytes);
    const entries: ReadonlyMap<string, object> = signed.type === 'targets' ? signed.targets : signed.meta;
    for (const [path, value] of entries) assert.deepEqual([entries.get(path), entries.has(path)], [value, true]);
    assert.deepEqual([...entries.keys()].length, entries.size);
    for (const other of ['', 'a0', 'zz', '\u0000'])
      assert.equal(entries.has(other), [...entries.keys()].includes(other));
    found = [...entries];
  } catch (error) {
    if (!(error instanceof TufError)) throw error;
    found = undefined;
  }
  assert.deepEqual(found, expected(member, bytes), new TextDecoder().decode(bytes));
}

function expected(member: Member, bytes: Uint8Array): unknown {
  try {
    const envelope = parseJson(bytes);
    const signed = isJsonObject(envelope) ? envelope.get('signed') : undefined;
    const entries = isJsonObject(signed) ? signed.get(member) : undefined;
    if (!isJsonObject(entries) || ![...entries.values()].every(REFERENCE[member])) return undefined;
    return [...entries].map(([path, value]) => [path, knownFields(value)]);
  } catch (error) {
    if (error instanceof TufError) return undefined;
    throw error;
  }
}

function knownFields(value: unknown): unknown {
  const fields = isMap(value) ? [...value] : [];
  return Object.fromEntries(fields.filter(([field]) => /^(hashes|length|custom|version)$/.test(String(field))));
}
const isMap = (value: unknown): value is ReadonlyMap<unknown, unknown> => value instanceof Map;

const hash = fc.constantFrom('ab'.repeat(32), '0'.repeat(64), 'AB'.repeat(32), 'ab'.repeat(31), 'zz'.repeat(32), 'ab');
const number = fc.constantFrom(
  '0',
  '1',
  '12345',
  '999999999999999',
  '9007199254740991',
  '9007199254740993',
  '01',
  '1.5',
  '1e3',
  '-1',
  '""',
);
const space = fc.constantFrom('', '', '', ' ', '\n\t');
const entry: Record<Member, fc.Arbitrary<string>> = {
  targets: fc
    .tuple(hash, number, space, fc.constantFrom('', '', ',"custom":{"a":[1]}', ',"x":null', ',"length":7'))
    .chain(([sha256, length, gap, more]) =>
      fc.constantFrom<string[]>(
        `{${gap}"hashes"${gap}:${gap}{"sha256"${gap}:"${sha256}"${gap}}${gap},"length":${gap}${length}${gap}${more}}`,
        `{"length":${length},"hashes":{"sha256":"${sha256}"}${more}}`,
        `{"hashes":{"sha256":"${sha256}","sha512":"${sha256}"},"length":${length}${more}}`,
        `{"hashes":{},"length":${length}}`,
        `{"hashes":{"sha256":"${sha256}"}}`,
      ),
    ),
  meta: fc
    .tuple(number, hash, space)
    .chain(([version, sha256, gap]) =>
      fc.constantFrom<string[]>(
        `{${gap}"version"${gap}:${gap}${version}${gap}}`,
        `{"hashes":{"sha256":"${sha256}"},"length":1,"version":${version}}`,
        `{"version":${version},"version":${version}}`,
        '{}',
        '[]',
      ),
    ),
};
const name = fc.constantFrom('a', 'b/c', '__proto__', 'é😀', '10', '9', '\\u0061', 'a\\n');

describe('entries of large roles', () => {
  for (const member of ['targets', 'meta'] as const) {
    it(`of ${member}, however written, read and refused exactly as a plain reader would (§4.4, §4.5)`, () => {
      const entries = fc.array(fc.tuple(name, entry[member]), { maxLength: 5 });
      fc.assert(
        fc.property(entries, space, (list, gap) => {
          const text = list.map(([path, value]) => `${gap}"${path}"${gap}:${gap}${value}`).join(',');
          agree(member, document(member, `{${text}${gap}}`));
        }),
        { numRuns: 2_000 },
      );
    });

    it(`of ${member} with any one byte changed, removed or doubled, likewise`, () => {
      const value = { targets: `{"hashes":{"sha256":"${'ab'.repeat(32)}"},"length":123}`, meta: '{"version":123}' };
      const entries = `{"a":${value[member]},"b":${value[member]}}`;
      const whole = document(member, entries);
      const begin = new TextDecoder().decode(whole).indexOf(entries);
      for (let at = begin + 1; at < begin + entries.length - 1; at++) {
        for (const byte of [0x20, 0x22, 0x30, 0x39, 0x2c, 0x2e, 0x65, 0x7b, 0x7d, 0x5c, 0x61, 0x0a])
          agree(member, whole.with(at, byte));
        agree(member, Uint8Array.from([...whole.subarray(0, at), ...whole.subarray(at + 1)]));
        agree(member, Uint8Array.from([...whole.subarray(0, at), ...whole.subarray(at)]));
      }
    });
  }

  it('are found among many, in the order of the file', () => {
    const paths = Array.from({ length: 3_000 }, (_, index) => `dir/${(index * 7).toString(36).padStart(4, '0')}`);
    const text = paths.map((path, length) => `"${path}":{"hashes":{"sha256":"${'ab'.repeat(32)}"},"length":${length}}`);
    const { targets } = parseTargets(document('targets', `{${text.join(',')}}`)).signed;
    assert.deepEqual([...targets.keys()], paths);
    for (const [length, path] of paths.entries()) assert.equal(targets.get(path)?.length, length);
    assert.equal(targets.get('dir/0001'), undefined);
    assert.equal(targets.get('dir/zzzz'), undefined);
  });

  it('can be asked like any map, without the names that objects inherit', () => {
    const { targets } = parseTargets(
      document(
        'targets',
        `{"a":{"hashes":{"sha256":"${'ab'.repeat(32)}"},"length":3},"b":{"length":4,"hashes":{"md5":"00"}}}`,
      ),
    ).signed;
    assert.equal(targets.size, 2);
    assert.deepEqual([...targets.keys()], ['a', 'b']);
    assert.deepEqual(
      [...targets.values()].map(({ length }) => length),
      [3, 4],
    );
    assert.deepEqual(targets.get('a'), { length: 3, hashes: new Map([['sha256', 'ab'.repeat(32)]]) });
    assert.equal(targets.has('constructor'), false);
    assert.equal(targets.get('toString'), undefined);
    const visited: unknown[] = [];
    targets.forEach((file, path, map) => visited.push([path, file.length, map === targets]));
    assert.deepEqual(visited, [
      ['a', 3, true],
      ['b', 4, true],
    ]);
  });
});
