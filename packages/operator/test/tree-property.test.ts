import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  type BinRole,
  binRoleJson,
  binRoleName,
  planLeaf,
  type ProjectDelegation,
  projectBin,
  projectRole,
  readTree,
} from '@holdfast/trust';
import { canonicalize, parseTargets, signMetadata, type Targets } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { nextTree } from '../src/signing/next-tree.ts';

const holder = await generateKey('ed25519');
const keys = {
  roleKeys: { keyids: [holder.key.keyid], threshold: 1 },
  keys: new Map([[holder.key.keyid, holder.key]]),
};
const developers = await Promise.all(Array.from({ length: 8 }, () => generateKey('ed25519')));
const expires = new Date('2027-01-01T00:00:00Z');

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function delegation(project: ProjectName, random: (below: number) => number): ProjectDelegation {
  const own = developers.slice(0, 1 + random(4)).map(({ key }) => key);
  return { project, role: projectRole(project), keys: own, threshold: 1 + random(own.length) };
}

/** The tree as installers read it, from files that were signed. */
async function read(roles: ReadonlyMap<string, BinRole>): Promise<ReadonlyMap<ProjectName, ProjectDelegation>> {
  const files = new Map<string, Targets>();
  for (const [prefix, bin] of roles) {
    const bytes = await signMetadata(binRoleJson('claimed', bin, 1, expires, keys), [holder]);
    files.set(binRoleName('claimed', prefix), parseTargets(bytes).signed);
  }
  const tree = readTree('claimed', keys.roleKeys, (role) => files.get(role));
  assert.deepEqual(new Set(tree.roles.keys()), new Set(roles.keys()), 'every role is led to');
  return tree.projects;
}

const told = (projects: ReadonlyMap<ProjectName, ProjectDelegation>): string[] =>
  [...projects.values()]
    .map(
      ({ project, role, keys: own, threshold }) =>
        `${project} ${role} ${own
          .map(({ keyid }) => keyid)
          .sort()
          .join()} ${threshold}`,
    )
    .sort();

for (const seed of [1, 2, 3]) {
  test(`whatever comes and goes, the tree says it, in the least that has to be signed (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const projects = new Map<ProjectName, ProjectDelegation>();
    let roles = new Map<string, BinRole>();
    for (let step = 0; step < 14; step++) {
      const touched = new Set<string>();
      const shrinks = step % 7 > 4;
      for (let left = random(shrinks ? 200 : 90) + 1; left > 0; left--) {
        const project = normalizeName(`project-${random(400)}`);
        touched.add(projectBin(project));
        if (random(shrinks ? 10 : 3) > (shrinks ? 0 : 1)) projects.delete(project);
        else projects.set(project, delegation(project, random));
      }
      const before = roles;
      const { changed, retired } = nextTree(before, { projects }, touched);
      roles = new Map(before);
      for (const prefix of retired) assert.ok(roles.delete(prefix), `${prefix} was there`);
      for (const bin of changed) roles.set(bin.prefix, bin);
      assert.equal(new Set(changed.map(({ prefix }) => prefix)).size, changed.length, 'each role is signed once');
      assert.deepEqual(told(await read(roles)), told(projects));
      for (const { prefix } of changed) {
        const near = [...touched].some((bin) => bin.startsWith(prefix)) || prefix === '';
        assert.ok(near, `${prefix} has nothing to do with what changed`);
      }
      assert.deepEqual(nextTree(roles, { projects }, []), { changed: [], retired: [] });
      // Nobody's order of names matters.
      const mixed = new Map([...projects].reverse());
      const again = nextTree(before, { projects: mixed }, [...touched].reverse());
      const json = (bins: readonly BinRole[]): string =>
        bins.map((bin) => Buffer.from(canonicalize(binRoleJson('claimed', bin, 2, expires, keys))).toString()).join();
      assert.equal(json(again.changed), json(changed));
    }
    const all = nextTree(roles, { projects: new Map() }, [...projects.keys()].map(projectBin));
    assert.deepEqual(all.changed, [{ prefix: '', projects: new Map() }]);
    assert.equal(new Set(['', ...all.retired]).size, roles.size);
  });
}

test('a tree that is made at once is what its size asks for', () => {
  const random = randomFrom(9);
  const projects = new Map(
    Array.from({ length: 300 }, (_, at) => normalizeName(`p${at}`)).map((name) => [name, delegation(name, random)]),
  );
  const { changed } = nextTree(new Map(), { projects }, [...projects.keys()].map(projectBin));
  assert.deepEqual(changed, planLeaf('', { projects }));
});
