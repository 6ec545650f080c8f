import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { normalizeName } from '@holdfast/python-index';
import fc from 'fast-check';
import { ProofError } from './errors.ts';
import { rolesFor, verifyLookup } from './lookup.ts';
import { type ApplyDelta, uncoded } from './lookup-coding.ts';
import { decodeLookup, encodeLookup, type Lookup, lookupChunks, type SentFile } from './lookup-format.ts';
import { verifyProof } from './snapshot-tree/proof.ts';
import { SnapshotTree } from './snapshot-tree/tree.ts';
import { projectBin } from './target-path.ts';

const flask = normalizeName('flask');
const bin = projectBin(flask);
const whole = (bytes: Uint8Array): SentFile => ({ bytes });
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A tree with five roles for flask, some for others, and the file of each. */
function scene(): { root: string; lookup: Lookup; files: ReadonlyMap<string, Uint8Array> } {
  const names = [
    'targets',
    'unclaimed',
    `unclaimed.${bin[0]}`,
    'claimed',
    'project.flask',
    'project.six',
    'unclaimed.00',
  ];
  const files = new Map(names.map((role) => [role, Buffer.from(`the file of ${role}`)]));
  const tree = new SnapshotTree();
  for (const [role, bytes] of files) tree.set({ role, version: 3, length: bytes.length, sha256: sha(bytes) });
  const root = tree.commit();
  const proof = tree.prove(root, bin) ?? assert.fail();
  const own = rolesFor(flask, verifyProof(root, bin, proof).values()).map(
    ({ role }) => files.get(role) ?? assert.fail(),
  );
  return { root, lookup: { proof, files: own.map(whole) }, files };
}

test('a lookup brings every role that can answer for a project, each with the bytes that the snapshot lists (P3)', () => {
  const { root, lookup, files } = scene();
  const roles = verifyLookup(root, flask, decodeLookup(encodeLookup(lookup)));
  assert.deepEqual(
    new Set(roles.map(({ role }) => role)),
    new Set(['targets', 'unclaimed', `unclaimed.${bin[0]}`, 'claimed', 'project.flask']),
  );
  for (const { role, bytes } of roles) assert.deepEqual(Buffer.from(bytes), files.get(role));
});

test('a file with hashes is packed on its way and comes out whole; a changed byte of it is refused', () => {
  const bytes = Buffer.from(JSON.stringify(Array.from({ length: 9 }, (_, at) => sha(Buffer.of(at)))));
  const tree = new SnapshotTree();
  tree.set({ role: 'unclaimed', version: 1, length: bytes.length, sha256: sha(bytes) });
  const root = tree.commit();
  const lookup = { proof: tree.prove(root, bin) ?? assert.fail(), files: [whole(bytes)] };
  const answer = encodeLookup(lookup);
  assert.ok(answer.length < lookup.proof.length + bytes.length - 250);
  assert.deepEqual(verifyLookup(root, flask, decodeLookup(answer))[0]?.bytes, Uint8Array.from(bytes));
  for (let at = 0; at < answer.length; at++)
    assert.throws(() => verifyLookup(root, flask, decodeLookup(answer.with(at, (answer[at] ?? 0) ^ 1))), ProofError);
});

test('in pieces an answer is the same, and long coded files are not copied', () => {
  const [long, short] = [randomBytes(10_000), randomBytes(100)];
  const files = [long, short, long].map((bytes) => ({ bytes, coded: { base: '01234567' } }));
  for (const given of [files, files.slice(0, 1), files.slice(1, 2), []]) {
    const lookup = { proof: randomBytes(300), files: given };
    const chunks = lookupChunks(lookup);
    assert.deepEqual(Uint8Array.from(Buffer.concat(chunks)), encodeLookup(lookup));
    assert.equal(chunks.filter((chunk) => chunk === long).length, given.filter(({ bytes }) => bytes === long).length);
    assert.deepEqual(
      decodeLookup(encodeLookup(lookup)).files.map(({ bytes }) => Buffer.from(bytes)),
      given.map(({ bytes }) => bytes),
    );
  }
});

test('two roles with the same file share it', () => {
  const tree = new SnapshotTree();
  const bytes = Buffer.from('empty');
  for (const role of ['claimed', 'unclaimed']) tree.set({ role, version: 1, length: bytes.length, sha256: sha(bytes) });
  const root = tree.commit();
  const lookup = { proof: tree.prove(root, bin) ?? assert.fail(), files: [whole(bytes)] };
  assert.deepEqual(
    verifyLookup(root, flask, lookup).map(({ role }) => role),
    ['claimed', 'unclaimed'],
  );
});

test('what the asker has need not be sent', () => {
  const { root, lookup } = scene();
  const [{ bytes: first } = assert.fail(), ...rest] = lookup.files;
  const held = new Map([[sha(first), first]]);
  assert.equal(verifyLookup(root, flask, { ...lookup, files: rest }, held).length, 5);
});

test('a lookup that omits, swaps, repeats, changes or adds a role is refused', () => {
  const { root, lookup, files } = scene();
  const [first = assert.fail(), ...rest] = lookup.files;
  const six = whole(files.get('project.six') ?? assert.fail());
  const wrong: readonly (readonly SentFile[])[] = [
    rest,
    [six, ...rest],
    [first, first, ...rest.slice(1)],
    [first, ...lookup.files],
    [whole(Buffer.concat([first.bytes, first.bytes])), ...rest],
    [...lookup.files, six],
    [],
  ];
  for (const given of wrong) assert.throws(() => verifyLookup(root, flask, { ...lookup, files: given }), ProofError);
  const held = new Map([[sha(first.bytes), first.bytes]]);
  assert.throws(() => verifyLookup(root, flask, { ...lookup, files: [six, ...rest] }, held), ProofError);
  assert.throws(() => verifyLookup(root, normalizeName('six'), lookup), ProofError);
  assert.throws(() => verifyLookup(sha(first.bytes), flask, lookup), ProofError);
});

test('an answer cut, changed or continued anywhere is refused', () => {
  const { root, lookup } = scene();
  const answer = encodeLookup(lookup);
  for (let at = 0; at < answer.length; at++) {
    assert.throws(() => verifyLookup(root, flask, decodeLookup(answer.with(at, (answer[at] ?? 0) ^ 1))), ProofError);
    assert.throws(() => decodeLookup(answer.subarray(0, at)), ProofError);
  }
  assert.throws(() => decodeLookup(Uint8Array.from([...answer, 0])), ProofError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.throws(() => verifyLookup(root, flask, decodeLookup(Uint8Array.from([3, 0, 1, ...bytes]))), ProofError);
    }),
  );
});

const applyDelta: ApplyDelta = (frame, dictionary, maxLength) =>
  zstdDecompressSync(frame, { dictionary, maxOutputLength: maxLength });

function coded(file: Uint8Array, base?: Uint8Array): SentFile {
  const { head, text, dictionary } = uncoded(file, base);
  const bytes = Buffer.concat([head, zstdCompressSync(text, { dictionary })]);
  return { bytes, coded: base ? { base: sha(base).slice(0, 8) } : {} };
}

test('a role may come coded, by itself or against one that stands before it or is held (P3)', () => {
  const { root, lookup } = scene();
  const [first = assert.fail(), ...rest] = lookup.files;
  const others = rest.map(({ bytes }) => coded(bytes, first.bytes));
  const held = new Map([[sha(first.bytes), first.bytes]]);
  for (const [files, known] of [
    [[coded(first.bytes), ...others], new Map()],
    [[first, ...others], new Map()],
    [others, held],
  ] as const) {
    const roles = verifyLookup(root, flask, decodeLookup(encodeLookup({ ...lookup, files })), known, applyDelta);
    assert.equal(roles.length, 5);
    for (const { role, bytes } of roles) assert.equal(Buffer.from(bytes).toString(), `the file of ${role}`);
  }
});

test('a coded role that makes something else or too much, or needs what is not there or comes later, is refused', () => {
  const { root, lookup } = scene();
  const [first = assert.fail(), second = assert.fail(), ...rest] = lookup.files;
  const bomb = { coded: {}, bytes: Buffer.concat([Buffer.alloc(4), zstdCompressSync(Buffer.alloc(1 << 20))]) };
  const refused = (files: readonly SentFile[], apply = applyDelta, held = new Map<string, Uint8Array>()): void =>
    assert.throws(() => verifyLookup(root, flask, { ...lookup, files }, held, apply), ProofError);
  refused([first, coded(Buffer.from('the file of six')), ...rest]);
  refused([first, bomb, ...rest]);
  refused([first, { coded: {}, bytes: coded(second.bytes).bytes.subarray(0, -1) }, ...rest]);
  refused([first, { coded: {}, bytes: new Uint8Array() }, ...rest]);
  refused([coded(first.bytes, second.bytes), second, ...rest]);
  refused([first, coded(second.bytes, Buffer.from('nobody has this')), ...rest]);
  const before = Buffer.from('the file of nobody, before');
  const damaged = new Map([[sha(before), Buffer.from('damaged in the store')]]);
  refused([first, coded(Buffer.concat([before, Buffer.from(' and after')]), before), ...rest], applyDelta, damaged);
  assert.throws(
    () => verifyLookup(root, flask, { ...lookup, files: [coded(first.bytes), second, ...rest] }),
    ProofError,
  );
});

test('nothing is decoded before the proof holds, and never more than the longest role that it lists', () => {
  const { root, lookup } = scene();
  const [first = assert.fail(), second = assert.fail(), ...rest] = lookup.files;
  const longest = Math.max(...lookup.files.map(({ bytes }) => bytes.length));
  const limits: number[] = [];
  const apply: ApplyDelta = (frame, dictionary, maxLength) => {
    limits.push(maxLength);
    return applyDelta(frame, dictionary, maxLength);
  };
  const given = { ...lookup, files: [first, coded(second.bytes), ...rest] };
  assert.throws(() => verifyLookup(sha(new Uint8Array()), flask, given, new Map(), apply), ProofError);
  const many = Array.from({ length: 6 }, () => coded(second.bytes));
  assert.throws(() => verifyLookup(root, flask, { ...lookup, files: many }, new Map(), apply), ProofError);
  assert.deepEqual(limits, []);
  verifyLookup(root, flask, given, new Map(), apply);
  assert.deepEqual(limits, [longest]);
});

test('rotate files of the project are looked up with it, those of others in its bin are not', () => {
  const entry = (role: string) => ({ role, version: 1, length: 1, sha256: sha(Buffer.from(role)) });
  const own = ['project.flask.2', 'project.flask.2.windows', 'rotate/project.flask.rotate.1', 'rarely-updated.closed'];
  const others = [
    'project.flask-login',
    'project.six.2',
    'rotate/project.six.rotate.1',
    'rotate/project.flask-login.rotate.1',
  ];
  const kept = rolesFor(flask, [...own, ...others].map(entry));
  assert.deepEqual(
    kept.map(({ role }) => role),
    own,
  );
});
