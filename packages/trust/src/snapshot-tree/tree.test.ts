import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProofError } from '../errors.ts';
import { projectBin } from '../target-path.ts';
import { normalizeName } from '@holdfast/python-index';
import type { RoleEntry } from './cell.ts';
import { rolePosition } from './position.ts';
import { verifyProof } from './proof.ts';
import { KEPT_VERSIONS, SnapshotTree } from './tree.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const entryOf = (role: string, version: number): RoleEntry => ({
  role,
  version,
  length: role.length * version,
  sha256: sha(`${role} ${version}`),
});

/** docs/formats/snapshot-tree.md, said once more without arenas, sharing or path copying. */
function referenceRoot(entries: readonly RoleEntry[]): string {
  const cells = new Map<string, RoleEntry[]>();
  for (const entry of entries) {
    const { bits, depth } = rolePosition(entry.role) ?? assert.fail();
    const place = bits.toString(2).padStart(24, '0').slice(0, depth);
    cells.set(place, [...(cells.get(place) ?? []), entry]);
  }
  return referenceNode([...cells], 0).toString('hex');
}

function referenceNode(cells: readonly [string, RoleEntry[]][], from: number): Buffer {
  const [first] = cells;
  if (first === undefined) return Buffer.alloc(32);
  let depth = from;
  while (cells.every(([place]) => place.length > depth && place[depth] === first[0][depth])) depth++;
  const own = cells.find(([place]) => place.length === depth)?.[1];
  const below = (bit: string): Buffer =>
    referenceNode(
      cells.filter(([place]) => place[depth] === bit),
      depth + 1,
    );
  const prefix = Number.parseInt(first[0].slice(0, depth).padEnd(24, '0'), 2);
  const place = Buffer.from([depth, prefix >>> 16, (prefix >>> 8) & 255, prefix & 255]);
  const cell =
    own === undefined ? Buffer.alloc(32) : digest(Buffer.from([0]), ...own.toSorted(byName).map(referenceEntry));
  return digest(Buffer.from([1]), place, cell, below('0'), below('1'));
}
const byName = (a: RoleEntry, b: RoleEntry): number => (a.role < b.role ? -1 : 1);
const digest = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
function referenceEntry({ role, version, length, sha256 }: RoleEntry): Buffer {
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64BE(BigInt(version), 0);
  numbers.writeBigUInt64BE(BigInt(length), 8);
  return Buffer.concat([Buffer.from([role.length]), Buffer.from(role), numbers, Buffer.from(sha256, 'hex')]);
}

/** Few digits and names, so that roles meet, nest and share bins. */
const bin = fc.stringMatching(/^[01f]{6}$/);
const role = fc.oneof(
  fc.constantFrom('targets', 'unclaimed', 'claimed', 'recently-claimed', 'rarely-updated', 'rarely-updated.closed'),
  fc
    .tuple(fc.constantFrom('unclaimed', 'claimed', 'rarely-updated'), fc.stringMatching(/^[01f]{1,6}$/))
    .map((p) => p.join('.')),
  fc.constantFrom('project.flask', 'project.flask.windows', 'project.zope-interface', 'project.six'),
  fc.constantFrom('project.flask.2', 'rotate/project.flask.rotate.1', 'rotate/project.flask.rotate.2'),
);
const edits = fc.array(fc.tuple(role, fc.integer({ min: 0, max: 3 })), { maxLength: 40 });

function edit(tree: SnapshotTree, model: Map<string, RoleEntry>, name: string, version: number): void {
  if (version === 0) {
    model.delete(name);
    tree.remove(name);
  } else {
    model.set(name, entryOf(name, version));
    tree.set(entryOf(name, version));
  }
}

/** What a proof for a bin must show: roles at positions that lead to it. */
function leadingTo(entries: Iterable<RoleEntry>, to: string): Map<string, RoleEntry> {
  const bits = Number.parseInt(to, 16).toString(2).padStart(24, '0');
  const leads = ({ role: name }: RoleEntry): boolean => {
    const position = rolePosition(name) ?? assert.fail();
    return bits.startsWith(position.bits.toString(2).padStart(24, '0').slice(0, position.depth));
  };
  return new Map([...entries].filter(leads).map((entry) => [entry.role, entry]));
}

test('one set of roles has one root hash, whatever led to it (P3, TAP 16)', () => {
  fc.assert(
    fc.property(edits, fc.nat(10), (list, every) => {
      const tree = new SnapshotTree();
      const model = new Map<string, RoleEntry>();
      for (const [index, [name, version]] of list.entries()) {
        edit(tree, model, name, version);
        if (index % (every + 1) === 0) assert.equal(tree.commit(), referenceRoot([...model.values()]));
      }
      assert.equal(tree.commit(), referenceRoot([...model.values()]));
      for (const [name, version] of list) assert.deepEqual(tree.get(name), model.get(name), `${name} ${version}`);
      assert.equal(tree.size, model.size);
      assert.deepEqual(new Map([...tree.entries()].map((entry) => [entry.role, entry])), model);
    }),
    { numRuns: 500 },
  );
});

test('a proof shows every role that leads to a bin, and no other: present and absent, in this version and in earlier ones', () => {
  fc.assert(
    fc.property(edits, edits, bin, (before, after, sought) => {
      const tree = new SnapshotTree();
      const model = new Map<string, RoleEntry>();
      for (const [name, version] of before) edit(tree, model, name, version);
      const early = { root: tree.commit(), roles: leadingTo(model.values(), sought) };
      for (const [name, version] of after) edit(tree, model, name, version);
      const late = { root: tree.commit(), roles: leadingTo(model.values(), sought) };
      for (const { root, roles } of [early, late]) {
        const proof = tree.prove(root, sought) ?? assert.fail();
        assert.deepEqual(new Map(verifyProof(root, sought, proof)), roles);
        assert.deepEqual(new Map(tree.leadingTo(root, sought)?.map((entry) => [entry.role, entry])), roles);
      }
    }),
    { numRuns: 500 },
  );
});

test('a proof with any byte changed, cut or added, or for another bin or another version, is refused', () => {
  const tree = new SnapshotTree();
  for (let index = 0; index < 64; index++)
    tree.set(entryOf(`unclaimed.${(index * 4).toString(16).padStart(2, '0')}`, 1));
  tree.set(entryOf('targets', 1));
  tree.set(entryOf('project.flask', 1));
  const earlier = tree.commit();
  tree.set(entryOf('targets', 2));
  const root = tree.commit();
  const flask = projectBin(normalizeName('flask'));
  for (const sought of [flask, '000000', '010000', 'ffffff']) {
    const proof = tree.prove(root, sought) ?? assert.fail();
    verifyProof(root, sought, proof);
    for (let at = 0; at < proof.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const changed = proof.with(at, (proof[at] ?? 0) ^ flip);
        assert.throws(() => verifyProof(root, sought, changed), ProofError, `byte ${at} of ${sought}`);
      }
      assert.throws(() => verifyProof(root, sought, proof.subarray(0, at)), ProofError);
    }
    assert.throws(() => verifyProof(root, sought, Uint8Array.from([...proof, 0])), ProofError);
    assert.throws(() => verifyProof(earlier, sought, proof), ProofError);
  }
  assert.throws(() => verifyProof(root, '080000', tree.prove(root, 'f80000') ?? assert.fail()), ProofError);
  assert.throws(() => verifyProof(root, flask, new Uint8Array(300_000)), ProofError);
});

test('random bytes never pass for a proof, and cost no more than their length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), bin, (bytes, sought) => {
      assert.throws(() => verifyProof(sha('x'), sought, Uint8Array.from([1, ...bytes])), ProofError);
    }),
  );
});

test('old versions are forgotten one by one, and a version that is not kept gets no proof', () => {
  const tree = new SnapshotTree();
  const roots = Array.from({ length: KEPT_VERSIONS + 4 }, (_, index) => {
    tree.set(entryOf('targets', index + 1));
    return tree.commit();
  });
  assert.equal(tree.prove(roots[0] ?? '', '000000'), undefined);
  for (const root of roots.slice(-KEPT_VERSIONS)) assert.notEqual(tree.prove(root, '000000'), undefined);
  assert.equal(tree.prove(sha('never'), '000000'), undefined);
});

test('changes that were only tried out leave nothing behind', () => {
  const tree = new SnapshotTree();
  tree.set(entryOf('targets', 1));
  const first = tree.commit();
  tree.set(entryOf('unclaimed.3', 1));
  const tried = tree.commit();
  assert.equal(tree.checkout(first), true);
  assert.equal(tree.get('unclaimed.3'), undefined);
  assert.equal(tree.size, 1);
  assert.equal(tree.commit(), first);
  tree.set(entryOf('unclaimed.3', 1));
  assert.equal(tree.commit(), tried);
  tree.remove('unclaimed.3');
  assert.equal(tree.checkout(tried), true);
  assert.equal(tree.get('unclaimed.3')?.version, 1);
  assert.equal(tree.checkout(sha('never')), false);
});

test('memory of a changing tree stays bounded, and copying what is alive changes nothing', () => {
  const tree = new SnapshotTree();
  for (let index = 0; index < 4096; index++) tree.set(entryOf(`unclaimed.${index.toString(16).padStart(3, '0')}`, 1));
  tree.commit();
  const before = process.memoryUsage().arrayBuffers;
  let root = '';
  for (let round = 2; round < 12_000; round++) {
    tree.set(entryOf(`unclaimed.${(round % 4096).toString(16).padStart(3, '0')}`, round));
    root = tree.commit();
  }
  assert.equal(root, referenceRoot([...tree.entries()]));
  assert.deepEqual(
    [...verifyProof(root, '00a000', tree.prove(root, '00a000') ?? assert.fail()).keys()],
    ['unclaimed.00a'],
  );
  assert.ok(process.memoryUsage().arrayBuffers - before < 64e6);
});

test('names that are no role of an index have no place', () => {
  const tree = new SnapshotTree();
  for (const name of [
    '',
    'root',
    'unclaimed.',
    'unclaimed.3F',
    'unclaimed.0123456',
    'targets.3',
    'project.',
    'project.Flask',
    'other',
  ])
    assert.throws(() => tree.set(entryOf(name, 1)), RangeError, name);
  tree.remove('targets');
  assert.equal(tree.commit(), '0'.repeat(64));
  assert.equal(verifyProof('0'.repeat(64), 'abcdef', tree.prove('0'.repeat(64), 'abcdef') ?? assert.fail()).size, 0);
});
