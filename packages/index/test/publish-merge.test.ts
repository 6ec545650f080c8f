import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import {
  BIN_DIGITS,
  binPrefix,
  binRoleName,
  DIGITS,
  encodeTarget,
  fitsMerged,
  projectBin,
  UNCLAIMED,
} from '@holdfast/trust';
import type { OpenIndex } from '../src/index.ts';
import { distributionOf, publishedInRange } from '../src/publish/file-rows.ts';
import { clientOf, listed, makeIndex, newFile, openBare, uploadBare } from './support/bare-index.ts';

const PROJECTS = ['alpha', 'beta', 'gamma', 'delta'];

/** Numbers from 0 to 1 that look random and are the same in every run (xorshift, Marsaglia 2003). */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 2 ** 32;
  }
}

/** Prefixes of the roles that the tree leads to. */
async function treeOf({ records }: OpenIndex): Promise<Set<string>> {
  const rows = await records.read.selectFrom('roles').select('role').where('retired', '=', 0).execute();
  return new Set(rows.map(({ role }) => binPrefix(UNCLAIMED, role)).filter((prefix) => prefix !== undefined));
}

/** Every branch holds more than what makes it a leaf again, unless another branch stands below it. */
async function assertShape(index: OpenIndex): Promise<void> {
  const tree = await treeOf(index);
  for (const prefix of tree) {
    const children = Array.from(DIGITS, (digit) => prefix + digit);
    const count = children.filter((child) => tree.has(child)).length;
    assert.ok(count === 0 || count === 16, `${prefix} has ${count} children`);
    if (count === 0 || children.some((child) => tree.has(`${child}0`))) continue;
    const rows = await publishedInRange(index.records.read, prefix);
    const targets = new Map(rows.map((row) => encodeTarget(distributionOf(row))).map(({ path, file }) => [path, file]));
    assert.ok(!fitsMerged(targets), `${prefix} should be a leaf: ${targets.size} files`);
  }
}

test('whatever is added and deleted, every file is found and no other, the tree shrinks with it, and who began earlier finds no gap (P3, P12)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const random = numbers(73_939_133);
  const chance = (): number => random.next().value;
  const files = new Map<string, Set<string>>(PROJECTS.map((name) => [name, new Set()]));
  let [largest, retired, uploads] = [0, 0, 0];
  for (let round = 0; round < 14; round++) {
    const earlier = clientOf(made);
    await earlier.refresh();
    const before = new Map([...files].map(([name, own]) => [name, own.size]));
    const work: Promise<unknown>[] = [];
    for (const [name, own] of files) {
      if (round % 4 < 2) {
        for (let left = 100 * chance(); left > 0; left--) {
          const file = newFile(name, `${uploads++}.0`);
          own.add(file.filename);
          work.push(index.publisher.publish(file));
        }
      } else {
        const share = round % 4 === 3 ? 0.95 : 0.5;
        for (const filename of [...own].filter(() => chance() < share)) {
          own.delete(filename);
          work.push(index.publisher.delete(normalizeName(name), filename));
        }
      }
    }
    await Promise.all(work);
    const client = clientOf(made);
    await client.refresh();
    for (const [name, own] of files) {
      assert.deepEqual(new Set((await listed(client, name)).keys()), own, `${name} in round ${round}`);
      assert.equal((await listed(earlier, name)).size, before.get(name), `${name} as it was before round ${round}`);
    }
    await assertShape(index);
    const tree = await treeOf(index);
    if (tree.size < largest) retired++;
    largest = Math.max(largest, tree.size);
  }
  assert.ok(largest > 100 && retired > 1, `${largest} roles, ${retired} times fewer`);
});

test('a branch that merged and splits again goes on with the version numbers of its children; the flat snapshot never drops one', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const client = clientOf(made);
  const bin = projectBin(normalizeName('again'));
  const leaf = binRoleName(UNCLAIMED, bin);
  const fill = async (round: number): Promise<void> => {
    const files = Array.from({ length: 100 }, (_, i) => newFile('again', `${round}.${i}`));
    await Promise.all(files.map((file) => index.publisher.publish(file)));
  };
  const versionOf = async (role: string) =>
    index.records.read.selectFrom('roles').select(['version', 'retired']).where('role', '=', role).executeTakeFirst();
  let last = 0;
  for (let round = 1; round <= 3; round++) {
    await fill(round);
    const full = await versionOf(leaf);
    assert.equal(full?.retired, 0);
    assert.ok(full.version > last, `version ${full.version} follows ${last}`);
    await client.refresh();
    assert.equal((await listed(client, 'again')).size, 100);
    const names = [...(await listed(client, 'again')).keys()];
    await Promise.all(names.map((filename) => index.publisher.delete(normalizeName('again'), filename)));
    await uploadBare(index, 'other', `${round}.0`);
    const gone = await versionOf(leaf);
    assert.equal(gone?.retired, 1);
    last = gone.version;
    assert.deepEqual(await treeOf(index), new Set(['']));
    // This client has seen the roles that went: it would refuse a snapshot without them (TUF 1.0.34 §5.5.5).
    await client.refresh();
    assert.equal((await listed(client, 'again')).size, 0);
    assert.equal((await listed(client, 'other')).size, round);
  }
  await index.close();
  const reopened = await openBare(made.directory);
  await uploadBare(reopened, 'other', '4.0');
  await client.refresh();
  assert.equal((await listed(client, 'other')).size, 4);
  assert.equal(BIN_DIGITS, bin.length);
});
