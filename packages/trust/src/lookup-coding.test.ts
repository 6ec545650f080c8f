import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { normalizeName } from '@holdfast/python-index';
import fc from 'fast-check';
import { ProofError } from './errors.ts';
import { verifyLookup } from './lookup.ts';
import { type ApplyDelta, decodeFile, uncoded } from './lookup-coding.ts';
import { LOOKUP_DICTIONARY } from './lookup-dictionary.ts';
import { decodeLookup } from './lookup-format.ts';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const nothing: Uint8Array = new Uint8Array();
const applyDelta: ApplyDelta = (frame, dictionary, maxLength) =>
  zstdDecompressSync(frame, { dictionary, maxOutputLength: Math.max(maxLength, 1) });

function code(file: Uint8Array, base: Uint8Array = nothing): Buffer {
  const { head, text, dictionary } = uncoded(file, base);
  return Buffer.concat([head, zstdCompressSync(text, { dictionary })]);
}

const runsIn = (coded: Buffer): number => coded.readUInt32BE(0);

test('any file comes back from its coded form, whatever its base, and never as one that is too long', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('a', 'b', 'c').map(hex),
    fc.string().map(hex),
    fc.stringMatching(/^[0-9a-f]{0,140}$/),
    fc.constant('\u0001'),
  );
  const file = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')));
  fc.assert(
    fc.property(file, file, (bytes, base) => {
      const coded = code(bytes, base);
      assert.deepEqual(Buffer.from(decodeFile(coded, base, bytes.length, applyDelta)), bytes);
      if (bytes.length > 1) assert.throws(() => decodeFile(coded, base, bytes.length - 1, applyDelta));
    }),
    { numRuns: 300 },
  );
});

test('a hash takes 32 bytes; one that is there again, or in the base, next to none', () => {
  const file = (...hashes: readonly string[]): Buffer => Buffer.from(hashes.map((hash) => `"sha256":"${hash}"`).join());
  const [one, two, three] = ['1', '2', '3'].map(hex) as [string, string, string];
  assert.equal(runsIn(code(file(one, two))), 2);
  assert.equal(runsIn(code(file(one, two, one))), 1);
  assert.equal(runsIn(code(file(one, two, three), file(two))), 2);
  const added = code(file(one, two, three), file(two)).length - code(file(one, three), file(two)).length;
  assert.ok(added < 10, `${added} bytes`);
});

test('what is likely in a role takes almost nothing', () => {
  const entry = `{"custom":{"requires-python":">=3.9","upload-time":"2025-03-04T05:06:07.891Z"},"hashes":{"sha256":"${hex('')}"},"length":54321}`;
  const coded = code(Buffer.from(`"0a1b2c/flask/flask-3.0.tar.gz":${entry}`));
  assert.ok(coded.length < 4 + 32 + 70, `${coded.length} bytes`);
});

test('a coded file with another number of hashes, cut anywhere, or of too much is refused before it is made', () => {
  const file = Buffer.from(`["${hex('a')}","${hex('b')}"]`);
  const coded = code(file);
  for (const count of [0, 1, 3, 0x00ff_ffff, 0xffff_ffff]) {
    const wrong = Buffer.from(coded);
    wrong.writeUInt32BE(count);
    if (count > 0) assert.throws(() => decodeFile(wrong, nothing, 10_000, applyDelta), `${count} hashes`);
    // Without runs the marks are text: whatever that is, it is not the file.
    else
      assert.notDeepEqual(
        tried(() => decodeFile(wrong, nothing, 10_000, applyDelta)),
        file,
      );
  }
  const [one, two] = [code(Buffer.from(`["${hex('a')}",""]`)), coded.subarray(4, 68)];
  const tooMany = Buffer.concat([Buffer.of(0, 0, 0, 2), two, one.subarray(36)]);
  assert.throws(() => decodeFile(tooMany, nothing, 10_000, applyDelta), ProofError);
  for (let end = 0; end < coded.length; end++)
    assert.throws(() => decodeFile(coded.subarray(0, end), nothing, 10_000, applyDelta), `${end} bytes`);
  const marks = { text: Buffer.alloc(2, 1), runs: 40_000 };
  const many = Buffer.alloc(4 + 32 * marks.runs);
  many.writeUInt32BE(marks.runs);
  const never: ApplyDelta = () => assert.fail('nothing is decoded');
  assert.throws(() => decodeFile(many, nothing, 64 * marks.runs - 1, never), ProofError);
});

test('the coder is told what is left for the text, and no more is made of a bomb', () => {
  const file = Buffer.from(`["${hex('a')}","${hex('b')}"]`);
  const limits: number[] = [];
  const watched: ApplyDelta = (frame, dictionary, maxLength) => {
    limits.push(maxLength);
    return applyDelta(frame, dictionary, maxLength);
  };
  decodeFile(code(file), nothing, file.length, watched);
  assert.deepEqual(limits, [file.length - 2 * 63]);
  const bomb = Buffer.concat([Buffer.alloc(4), zstdCompressSync(Buffer.alloc(100 << 20, 'a'))]);
  assert.throws(() => decodeFile(bomb, nothing, 1 << 20, applyDelta));
});

function tried(work: () => Uint8Array): Uint8Array | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

interface Vectors {
  readonly dictionary: { readonly text: string; readonly sha256: string };
  readonly files: readonly { name: string; file: string; base: string; text: string; coded: string }[];
  readonly answers: readonly {
    name: string;
    root: string;
    project: string;
    held: readonly string[];
    answer: string;
    roles: Readonly<Record<string, string>>;
  }[];
}

const vectors = JSON.parse(
  await readFile(new URL('../../../docs/formats/lookup.json', import.meta.url), 'utf8'),
) as Vectors;

test('the published test vectors hold: the dictionary, coded files, and answers', () => {
  assert.deepEqual(Buffer.from(LOOKUP_DICTIONARY).toString('latin1'), vectors.dictionary.text);
  assert.equal(hex(vectors.dictionary.text), vectors.dictionary.sha256);
  assert.ok(vectors.files.length >= 3 && vectors.answers.length >= 2);
  for (const { name, file, base, text, coded } of vectors.files) {
    const [bytes, other] = [Buffer.from(file), Buffer.from(base)];
    assert.equal(Buffer.from(uncoded(bytes, other).text).toString(), text, name);
    assert.equal(
      Buffer.from(decodeFile(Buffer.from(coded, 'hex'), other, bytes.length, applyDelta)).toString(),
      file,
      name,
    );
  }
  for (const { name, root, project, held, answer, roles } of vectors.answers) {
    const files = new Map(held.map((text) => [hex(text), Buffer.from(text)]));
    const looked = verifyLookup(
      root,
      normalizeName(project),
      decodeLookup(Buffer.from(answer, 'hex')),
      files,
      applyDelta,
    );
    assert.deepEqual(
      Object.fromEntries(looked.map(({ role, bytes }) => [role, Buffer.from(bytes).toString()])),
      roles,
      name,
    );
  }
});
