import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import {
  binPrefix,
  binRoleName,
  DIGITS,
  encodeTarget,
  fitsMerged,
  planLeaf,
  projectBin,
  UNCLAIMED,
} from '@holdfast/trust';
import { parseTargets } from '@holdfast/tuf';
import type { OpenIndex } from '../src/index.ts';
import { distributionOf, unclaimedInRange } from '../src/publish/file-rows.ts';
import { type BareIndex, clientOf, listed, makeIndex, newFile, openBare, uploadBare } from './support/bare-index.ts';

const LATE = Array.from({ length: 7 }, (_, i) => `late-${i}`);
const PROJECTS = [
  ...LATE,
  'alpha',
  'beta',
  'gamma',
  ...near('alpha', 4, 2),
  ...near('beta', 3, 2),
  ...near('gamma', 1, 1),
];

/** Names of projects whose bins begin with the same digits as that of another one: they part far down in the tree. */
function near(name: string, digits: number, count: number): string[] {
  const prefix = projectBin(normalizeName(name)).slice(0, digits);
  const found: string[] = [];
  for (let i = 0; found.length < count; i++)
    if (projectBin(normalizeName(`near-${name}-${i}`)).startsWith(prefix)) found.push(`near-${name}-${i}`);
  return found;
}

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

/**
 * A branch delegates to its children and to nothing else; it holds more than what makes it a leaf again, unless another
 * branch stands below it. No leaf is to be split, and none is there for nobody.
 */
async function assertShape({ directory }: BareIndex, index: OpenIndex): Promise<void> {
  const tree = await treeOf(index);
  const childrenOf = (prefix: string) => Array.from(DIGITS, (digit) => prefix + digit).filter((at) => tree.has(at));
  let leaves = 0;
  for (const prefix of tree) {
    assert.ok(prefix === '' || tree.has(prefix.slice(0, -1)), `nothing leads to ${prefix}`);
    const children = childrenOf(prefix);
    const role = binRoleName(UNCLAIMED, prefix);
    const { version } = await index.records.read
      .selectFrom('roles')
      .select('version')
      .where('role', '=', role)
      .executeTakeFirstOrThrow();
    const { signed } = parseTargets(await readFile(join(directory, 'objects/metadata', `${version}.${role}.json`)));
    const delegated = signed.delegations?.roles.map(({ name }) => name) ?? [];
    assert.deepEqual(
      delegated,
      children.map((child) => binRoleName(UNCLAIMED, child)),
    );
    const rows = await unclaimedInRange(index.records.read, prefix);
    const targets = new Map(rows.map((row) => encodeTarget(distributionOf(row))).map(({ path, file }) => [path, file]));
    if (children.length === 0) {
      leaves++;
      assert.deepEqual(new Set(signed.targets.keys()), new Set(targets.keys()), prefix);
      assert.equal(planLeaf(prefix, { targets }).length, 1, `${prefix} should be a branch: ${targets.size} files`);
    } else if (!children.some((child) => childrenOf(child).length > 0)) {
      assert.ok(!fitsMerged({ targets }), `${prefix} should be a leaf: ${targets.size} files`);
    }
  }
  assert.ok(leaves <= PROJECTS.length, `${leaves} leaves`);
}

test('whatever is added and deleted, every file is found and no other, the tree grows and shrinks with it, and who began earlier finds no gap (P3, P12)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const random = numbers(73_939_133);
  const chance = (): number => random.next().value;
  const files = new Map<string, Set<string>>(PROJECTS.map((name) => [name, new Set()]));
  const sizes: number[] = [];
  let uploads = 0;
  for (let round = 0; round < 15; round++) {
    const earlier = clientOf(made);
    await earlier.refresh();
    const before = new Map([...files].map(([name, own]) => [name, own.size]));
    const work: Promise<unknown>[] = [];
    for (const [name, own] of files) {
      if (round % 5 < 3) {
        // Some children come later than others, or come back.
        if (chance() < 0.4 || LATE.indexOf(name) * 2 > round) continue;
        const most = name === 'alpha' ? 200 : chance() < 0.5 ? 3 : 70;
        for (let left = most * chance(); left > 0; left--) {
          const file = newFile(name, `${uploads++}.0`);
          own.add(file.filename);
          work.push(index.publisher.publish(file));
        }
      } else {
        const share = round % 5 === 4 ? 0.95 : 0.5;
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
    for (let i = 0; i < 20; i++) assert.equal((await listed(client, `never-${i}`)).size, 0);
    await assertShape(made, index);
    sizes.push((await treeOf(index)).size);
  }
  const shrunk = sizes.filter((size, at) => size < (sizes[at - 1] ?? 0)).length;
  assert.ok(Math.max(...sizes) > 10 && shrunk > 1, `roles: ${sizes.join(', ')}`);
  t.diagnostic(`roles: ${sizes.join(', ')}`);
});

test('a branch that merged and splits again goes on with the version numbers of its children; the flat snapshot never drops one', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const client = clientOf(made);
  const bin = projectBin(normalizeName('again'));
  const other = projectBin(normalizeName('other'));
  const leaf = binRoleName(UNCLAIMED, bin.slice(0, Array.from(bin).findIndex((digit, at) => digit !== other[at]) + 1));
  await uploadBare(index, 'other', '0.0');
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
    assert.equal((await listed(client, 'other')).size, round + 1);
  }
  await index.close();
  const reopened = await openBare(made.directory);
  await uploadBare(reopened, 'other', '4.0');
  await client.refresh();
  assert.equal((await listed(client, 'other')).size, 5);
});
