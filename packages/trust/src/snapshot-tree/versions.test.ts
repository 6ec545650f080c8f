import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { listedVersions, type RoleEntry } from './cell.ts';
import { binPosition, cut, rolePosition } from './position.ts';
import { verifyProof } from './proof.ts';
import { KEPT_VERSIONS, SnapshotTree } from './tree.ts';

type Roles = ReadonlyMap<string, RoleEntry>;

const entryOf = (role: string, version: number): RoleEntry => ({
  role,
  version,
  length: role.length * version,
  sha256: createHash('sha256').update(`${role} ${version}`).digest('hex'),
});

/** Versions as whole maps: nothing is shared, nothing is freed. */
class Model {
  roles = new Map<string, RoleEntry>();
  readonly kept = new Map<string, Roles>();
  readonly forgotten = new Set<string>();

  commit(root: string): void {
    this.kept.delete(root);
    this.kept.set(root, new Map(this.roles));
    this.forgotten.delete(root);
    const [oldest = ''] = this.kept.keys();
    if (this.kept.size > KEPT_VERSIONS && this.kept.delete(oldest)) this.forgotten.add(oldest);
  }

  checkout(root: string): void {
    this.roles = new Map(this.kept.get(root));
  }

  anyKept(pick: number): string {
    return [...this.kept.keys()].at(pick % Math.max(1, this.kept.size)) ?? '';
  }
}

function rootOf(roles: Roles): string {
  const tree = new SnapshotTree();
  for (const entry of roles.values()) tree.set(entry);
  return tree.commit();
}

function leadingTo(roles: Roles, bin: string): Roles {
  const { bits } = binPosition(bin);
  return new Map(
    [...roles].filter(([name]) => {
      const position = rolePosition(name) ?? assert.fail();
      return cut(bits, position.depth) === position.bits;
    }),
  );
}

const byName = (roles: Roles): readonly (readonly [string, number])[] =>
  Array.from(roles.values(), ({ role, version }) => [role, version] as const).sort(([a], [b]) => (a < b ? -1 : 1));

/** Someone who reads a version slowly. */
interface Reader {
  readonly expected: Roles;
  readonly cells: Iterator<Uint8Array>;
  readonly read: [string, number][];
}

/** A tree, what it must be like, and those who read it; each step does one thing to it. */
class Run {
  readonly tree = new SnapshotTree();
  readonly model = new Model();
  readonly readers: Reader[] = [];
  private version = 0;

  step({ what, role, bin, pick }: Step): void {
    const { tree, model } = this;
    switch (what) {
      case 'set': {
        const entry = entryOf(role, ++this.version);
        tree.set(entry);
        return void model.roles.set(role, entry);
      }
      case 'remove':
        tree.remove(role);
        return void model.roles.delete(role);
      case 'look':
        return assert.deepEqual(tree.get(role), model.roles.get(role));
      case 'commit':
        model.commit(tree.commit());
        return assert.equal(tree.size, model.roles.size);
      case 'checkout':
        return this.checkout(model.anyKept(pick));
      case 'prove':
        return this.prove(model.anyKept(pick), bin);
      case 'begin':
        return this.begin(model.anyKept(pick));
      case 'read':
        return this.read(pick);
    }
  }

  /** Every kept version is whole, and no other is there. */
  finish(bins: readonly string[]): void {
    for (const [root, roles] of this.model.kept) {
      assert.equal(rootOf(roles), root);
      for (const bin of bins) this.prove(root, bin);
    }
    for (const root of this.model.forgotten) assert.equal(this.tree.prove(root, '000000'), undefined);
    while (this.readers.length > 0) this.read(1);
  }

  private checkout(root: string): void {
    assert.equal(this.tree.checkout(root), root !== '');
    if (root !== '') this.model.checkout(root);
  }

  private prove(root: string, bin: string): void {
    const expected = this.model.kept.get(root);
    const proof = this.tree.prove(root, bin);
    assert.equal(proof !== undefined, expected !== undefined);
    if (proof && expected) assert.deepEqual(new Map(verifyProof(root, bin, proof)), leadingTo(expected, bin));
  }

  private begin(root: string): void {
    const cells = this.tree.cells(root)?.[Symbol.iterator]();
    if (cells) this.readers.push({ expected: this.model.kept.get(root) ?? assert.fail(), cells, read: [] });
    if (cells) this.readOn(this.readers.length - 1);
  }

  private read(pick: number): void {
    if (this.readers.length === 0) return;
    const index = pick % this.readers.length;
    if (pick % 16 !== 0) return this.readOn(index);
    this.readers[index]?.cells.return?.(); // Some lose interest.
    this.readers.splice(index, 1);
  }

  private readOn(index: number): void {
    const { cells, read, expected } = this.readers[index] ?? assert.fail();
    const next = cells.next();
    if (next.done !== true) {
      for (const { role, version } of listedVersions(next.value)) read.push([role, version]);
      return;
    }
    assert.deepEqual(
      read.sort(([a], [b]) => (a < b ? -1 : 1)),
      byName(expected),
    );
    this.readers.splice(index, 1);
  }
}

/** Few digits and names, so that roles meet, nest, and share bins. */
const digits = fc.stringMatching(/^[01f]{1,6}$/);
const role = fc.oneof(
  fc.constantFrom('targets', 'unclaimed', 'project.flask', 'project.flask.windows', 'project.six'),
  fc.tuple(fc.constantFrom('unclaimed', 'claimed'), digits).map((parts) => parts.join('.')),
);
const bin = fc.stringMatching(/^[01f]{6}$/);
const what = fc.constantFrom(
  ...(['set', 'set', 'set', 'set', 'remove', 'remove', 'look', 'commit', 'commit', 'commit'] as const),
  ...(['checkout', 'prove', 'prove', 'begin', 'read', 'read', 'read'] as const),
);
const step = fc.record({ what, role, bin, pick: fc.nat(1_000) });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test('whatever is changed, tried out, gone back to and read slowly: every kept version is whole and provable (P3)', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.array(bin, { maxLength: 2 }), (steps, bins) => {
      const run = new Run();
      for (const each of steps) run.step(each);
      run.finish(bins);
    }),
    { numRuns: 200 },
  );
});

test('the same for long enough that old versions are forgotten and what only they had is used again', () => {
  let forgotten = 0;
  for (const seed of [1, 2, 3, 4]) {
    const run = new Run();
    // Not as one long array: making it smaller would take minutes.
    for (const each of fc.sample(step, { seed, numRuns: 4_000 })) run.step(each);
    forgotten += run.model.forgotten.size;
    run.finish(['000000', 'f1f1f1']);
  }
  assert.ok(forgotten > 400, `${forgotten}`);
});

test('the memory of a tree whose cells come, grow, shrink and go for ever is that of the versions which are kept', () => {
  const tree = new SnapshotTree();
  const letters = (index: number): string => (index % 50).toString(36).replaceAll(/\d/g, 'x$&');
  const change = (round: number): void => {
    for (let index = 0; index < 8; index++) {
      const name = `unclaimed.${((round * 37 + index * 101) % 4096).toString(16).padStart(3, '0')}`;
      if ((round + index) % 3 === 0) tree.remove(name);
      else tree.set(entryOf(name, round));
      tree.set(entryOf(`project.flask.${letters(round * 5 + index)}`, round));
      tree.remove(`project.flask.${letters(round * 11 + index)}`);
    }
    const tried = tree.commit();
    if (round % 5 === 0) tree.checkout(tried);
    const reader = tree.cells(tried)?.[Symbol.iterator]();
    reader?.next();
    reader?.return?.();
  };
  for (let round = 0; round < 1_500; round++) change(round);
  const before = tree.memory;
  for (let round = 1_500; round < 4_000; round++) change(round);
  assert.ok(tree.memory <= before * 1.1, `${before} bytes became ${tree.memory}`);
});

test('changes that are never finished take no memory', () => {
  const tree = new SnapshotTree();
  for (let version = 1; version < 100_000; version++) tree.set(entryOf(`unclaimed.${version % 16}`, version));
  assert.ok(tree.memory < 1e6, `${tree.memory} bytes`);
});

test('a version that is forgotten before someone begins to read it is refused', () => {
  const tree = new SnapshotTree();
  const early = tree.commit();
  const cells = tree.cells(early);
  for (let version = 1; version <= KEPT_VERSIONS; version++) {
    tree.set(entryOf('targets', version));
    tree.commit();
  }
  assert.throws(() => [...(cells ?? [])], RangeError);
  assert.equal(tree.cells(early), undefined);
});
