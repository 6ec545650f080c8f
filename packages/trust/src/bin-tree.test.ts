import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import type { TargetFile } from '@holdfast/tuf';
import fc from 'fast-check';
import { planLeaf } from './bin-leaf.ts';
import { binPrefix, binRange, binRoleName, branchDelegations, leafPrefix } from './bin-tree.ts';
import { encodeTarget } from './target.ts';
import { type TargetPath, projectBin } from './target-path.ts';

function targetsOf(projects: number, filesEach: number): Map<TargetPath, TargetFile> {
  const targets = new Map<TargetPath, TargetFile>();
  for (let p = 0; p < projects; p++) {
    for (let f = 0; f < filesEach; f++) {
      const project = normalizeName(`project${p}`);
      const filename = `project${p}-${f}.0-py3-none-any.whl`;
      const { path, file } = encodeTarget({
        project,
        filename,
        sha256: 'ab'.repeat(32),
        size: f,
        uploadTime: new Date(0),
      });
      targets.set(path, file);
    }
  }
  return targets;
}

test('splitting keeps every target exactly once, in the leaf that the walk from the top finds (D14)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 1, max: 40 }), (projects, filesEach) => {
      const targets = targetsOf(projects, filesEach);
      const roles = planLeaf('', { targets });
      const branches = new Set(roles.filter((role) => 'digits' in role).map(({ prefix }) => prefix));
      const leaves = new Map(
        roles.flatMap((role) => ('targets' in role ? [[role.prefix, role.targets] as const] : [])),
      );
      let count = 0;
      for (const own of leaves.values()) count += own.size;
      assert.equal(count, targets.size);
      for (const path of targets.keys()) {
        const leaf = leafPrefix(path.slice(0, 6), (prefix) => branches.has(prefix));
        assert.ok(leaves.get(leaf)?.has(path), `${path} is not in ${leaf}`);
      }
      // Nothing is there for nobody: every leaf holds something, and a branch names the children that there are.
      assert.ok(leaves.size <= projects || leaves.size === 1);
      for (const role of roles) {
        if (!('digits' in role)) continue;
        const there = roles.filter(({ prefix }) => prefix !== '' && prefix.slice(0, -1) === role.prefix);
        const digits = there.map(({ prefix }) => prefix.slice(-1));
        assert.equal(role.digits, digits.sort().join(''), role.prefix);
      }
    }),
    { numRuns: 30 },
  );
});

test('children come before their branch, so that a delegation never points to a role that is not there', () => {
  const roles = planLeaf('', { targets: targetsOf(300, 10) }).map(({ prefix }) => prefix);
  assert.ok(roles.length > 100);
  for (const [at, prefix] of roles.entries()) {
    if (prefix !== '') assert.ok(roles.indexOf(prefix.slice(0, -1)) > at, prefix);
  }
});

test('what is a branch keeps all its children, also those that hold nothing any more', () => {
  const targets = targetsOf(3, 1);
  const bins = [...targets.keys()].map((path) => path.slice(0, 6)).sort();
  const children = new Map([
    ['', '0123456789abcdef'],
    ['7', '01'],
  ]);
  const roles = planLeaf('', { targets }, (prefix) => children.get(prefix) ?? '');
  const prefixes = [...'0123456', '70', '71', '7', ...'89abcdef', ''];
  const kept = roles.filter(({ prefix }) => prefixes.includes(prefix)).map(({ prefix }) => prefix);
  assert.deepEqual(kept, prefixes);
  const held = roles.flatMap((role) => ('targets' in role ? [...role.targets.keys()] : []));
  assert.deepEqual(held.map((path) => path.slice(0, 6)).sort(), bins);
});

test('one project that is larger than a role is not split; beside others it has a role of its own no deeper than that takes', () => {
  assert.deepEqual(planLeaf('', { targets: targetsOf(1, 400) }), [{ prefix: '', targets: targetsOf(1, 400) }]);
  const all = new Map([...targetsOf(20, 1), ...targetsOf(1, 400)]);
  const [own, ...others] = Array.from({ length: 20 }, (_, p) => projectBin(normalizeName(`project${p}`)));
  assert.ok(own);
  const roles = planLeaf('', { targets: all });
  const leaf = roles.find((role) => 'targets' in role && role.targets.size >= 400);
  assert.ok(leaf && own.startsWith(leaf.prefix));
  assert.ok(!others.some((bin) => bin.startsWith(leaf.prefix)));
  assert.ok(others.some((bin) => bin.startsWith(leaf.prefix.slice(0, -1))));
});

test('a bin range holds the bins with the prefix and no others', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{6}$/), fc.stringMatching(/^[0-9a-f]{0,6}$/), (bin, prefix) => {
      const { first, last } = binRange(prefix);
      assert.equal(bin >= first && bin <= last, bin.startsWith(prefix));
    }),
  );
});

test('role names and prefixes are two forms of one thing', () => {
  assert.equal(binRoleName('unclaimed', ''), 'unclaimed');
  assert.equal(binRoleName('unclaimed', '3f'), 'unclaimed.3f');
  assert.equal(binPrefix('unclaimed', 'unclaimed.3f'), '3f');
  assert.equal(binPrefix('unclaimed', 'unclaimed'), '');
  for (const other of ['unclaimed.', 'unclaimed.3F', 'unclaimed.0123456', 'claimed.3f', 'unclaimedx', 'unclaimedx3f']) {
    assert.equal(binPrefix('unclaimed', other), undefined, other);
  }
});

test('a branch delegates to the children that it has, digit by digit, terminating', () => {
  const roles = branchDelegations('unclaimed', { prefix: '3', digits: '0f' }, ['k'], 1);
  assert.equal(roles.length, 2);
  assert.deepEqual(roles[1], {
    name: 'unclaimed.3f',
    keyids: ['k'],
    threshold: 1,
    terminating: true,
    paths: ['3f*/*/*'],
  });
});
