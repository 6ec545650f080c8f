import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import fc from 'fast-check';
import { ProofError } from './errors.ts';
import { decodeLookup, encodeLookup, type Lookup, rolesFor, verifyLookup } from './lookup.ts';
import { verifyProof } from './snapshot-tree/proof.ts';
import { SnapshotTree } from './snapshot-tree/tree.ts';
import { projectBin } from './target-path.ts';

const flask = normalizeName('flask');
const bin = projectBin(flask);
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
  return { root, lookup: { proof, files: own }, files };
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

test('two roles with the same file share it', () => {
  const tree = new SnapshotTree();
  const bytes = Buffer.from('empty');
  for (const role of ['claimed', 'unclaimed']) tree.set({ role, version: 1, length: bytes.length, sha256: sha(bytes) });
  const root = tree.commit();
  const lookup = { proof: tree.prove(root, bin) ?? assert.fail(), files: [bytes] };
  assert.deepEqual(
    verifyLookup(root, flask, lookup).map(({ role }) => role),
    ['claimed', 'unclaimed'],
  );
});

test('what the asker has need not be sent', () => {
  const { root, lookup } = scene();
  const [first = new Uint8Array(), ...rest] = lookup.files;
  const held = new Map([[sha(first), first]]);
  assert.equal(verifyLookup(root, flask, { ...lookup, files: rest }, held).length, 5);
});

test('a lookup that omits, swaps, repeats, changes or adds a role is refused', () => {
  const { root, lookup, files } = scene();
  const [first = new Uint8Array(), ...rest] = lookup.files;
  const six = files.get('project.six') ?? assert.fail();
  const wrong: readonly (readonly Uint8Array[])[] = [
    rest,
    [six, ...rest],
    [first, ...lookup.files],
    [Buffer.concat([first, first]), ...rest],
    [...lookup.files, six],
    [],
  ];
  for (const given of wrong) assert.throws(() => verifyLookup(root, flask, { ...lookup, files: given }), ProofError);
  assert.throws(() => verifyLookup(root, normalizeName('six'), lookup), ProofError);
  assert.throws(() => verifyLookup(sha(first), flask, lookup), ProofError);
});

test('an answer cut, changed or continued anywhere is refused', () => {
  const { root, lookup } = scene();
  const whole = encodeLookup(lookup);
  for (let at = 0; at < whole.length; at++) {
    assert.throws(() => verifyLookup(root, flask, decodeLookup(whole.with(at, (whole[at] ?? 0) ^ 1))), ProofError);
    assert.throws(() => decodeLookup(whole.subarray(0, at)), ProofError);
  }
  assert.throws(() => decodeLookup(Uint8Array.from([...whole, 0])), ProofError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.throws(() => verifyLookup(root, flask, decodeLookup(Uint8Array.from([1, 0, 1, ...bytes]))), ProofError);
    }),
  );
});
