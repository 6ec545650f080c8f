import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidMetadataError, MAX_METADATA_BYTES, directUrlRequirements, parseCoreMetadata } from '../index.ts';

const HEAD = 'Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n';
const parse = (text: string) => parseCoreMetadata(new TextEncoder().encode(text));
const refused = (text: string): void =>
  assert.throws(() => parse(text), InvalidMetadataError, JSON.stringify(text.slice(0, 80)));

test('reads single and multiple fields, in any case, folded or with CRLF, and the body as description', () => {
  const text = `${HEAD}summary: Ünïcode\nRequires-Python: >=3.8\nRequires-Dist: a\nREQUIRES-DIST: b ;\n  extra == "x"\nProvides-Extra: x\nLicense: one\n        two\n\nBody\n\nwith: colon\n`;
  for (const variant of [text, text.replaceAll('\n', '\r\n')]) {
    const fields = parse(variant);
    assert.deepEqual([fields.summary, fields.requiresPython], ['Ünïcode', '>=3.8']);
    assert.deepEqual(fields.requiresDist, ['a', 'b ; extra == "x"']);
    assert.deepEqual([fields.providesExtra, fields.license], [['x'], 'one\ntwo']);
    assert.equal(fields.description?.replaceAll('\r', ''), 'Body\n\nwith: colon\n');
  }
});

test('treats UNKNOWN and empty values of old tools as not given, and ignores unknown fields', () => {
  const fields = parse(
    `${HEAD}Summary: UNKNOWN\nAuthor:\nX-New: 1\nX-New: 2\n__proto__x: 1\n`.replace('__proto__x', 'constructor'),
  );
  assert.ok(!('summary' in fields) && !('author' in fields) && !('description' in fields));
});

test('takes a description from a folded field when there is no body (core metadata 1.x)', () => {
  assert.equal(parse(`${HEAD}Description: a\n        |b\n`).description, 'a\nb');
  refused(`${HEAD}Description: a\n\nb\n`);
});

test('refuses a single field that stands twice: readers disagree on which counts', () => {
  for (const field of [
    'Name: other',
    'name: demo',
    'Version: 2',
    'Requires-Python: >3',
    'Summary: a\nSummary: b',
    'Metadata-Version: 2.1',
  ])
    refused(`${HEAD}${field}\n${field}\n`);
});

test('refuses missing fields and metadata versions above 2, accepts unknown minor ones', () => {
  for (const field of ['Metadata-Version', 'Name', 'Version']) refused(HEAD.replace(new RegExp(`${field}:.*\n`), ''));
  for (const version of ['3.0', '2', 'x', '2.1.1']) refused(HEAD.replace('2.4', version));
  assert.equal(parse(HEAD.replace('2.4', '2.9')).metadataVersion, '2.9');
});

test('refuses what Python only guesses at: odd lines, control characters, other encodings, too much', () => {
  for (const line of [
    'no field',
    'From me',
    ': x',
    'A B: x',
    'Name : x',
    'X: a\rb',
    'X: a\0b',
    'X: \u0085',
    'X: \u009b31m',
  ])
    refused(`${HEAD}${line}\n`);
  refused(` folded\n${HEAD}`);
  refused(`\ufeff${HEAD}`);
  refused(`\n${HEAD}`);
  refused(`${HEAD}${'X: y\n'.repeat(20_001)}`);
  assert.throws(() => parseCoreMetadata(Uint8Array.of(0xff)), InvalidMetadataError);
  assert.throws(() => parseCoreMetadata(new Uint8Array(MAX_METADATA_BYTES + 1)), InvalidMetadataError);
});

test('finds requirements that name an address (A4: direct-URL dependencies)', () => {
  const direct = ['a @ https://x/a.whl', 'b[c,d]@file:///b', 'e@git+https://x'];
  const lines = [...direct, 'f>=1', 'g[h]; extra == "@"'].map((text) => `Requires-Dist: ${text}\n`);
  assert.deepEqual(directUrlRequirements(parse(HEAD + lines.join(''))), direct);
});

test('any bytes give fields or our error', () => {
  const soup = fc.array(fc.constantFrom(HEAD, '\n', '\r', ' ', ':', 'Name', 'a', '\0', 'é', 'Requires-Dist: x\n'), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(soup, (parts) => {
      try {
        parse(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof InvalidMetadataError, String(error));
      }
    }),
  );
});
