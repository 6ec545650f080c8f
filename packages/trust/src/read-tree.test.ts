import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  canonicalize,
  type DelegatedRole,
  envelopeBytes,
  makePublicKey,
  parseTargets,
  type PublicKey,
  type TargetFile,
  type Targets,
  targetsJson,
} from '@holdfast/tuf';
import fc from 'fast-check';
import { BIN_BYTES, type BinRole, type LeafContent, planLeaf, type ProjectDelegation } from './bin-leaf.ts';
import { binRoleJson, closedRoleJson, type TreeKeys } from './bin-role-json.ts';
import { binRoleName } from './bin-tree.ts';
import { BinTreeError } from './errors.ts';
import { projectRole } from './project-role.ts';
import { readTree } from './read-tree.ts';
import { CLAIMED, RARELY_UPDATED, RECENTLY_CLAIMED, type Top, UNCLAIMED } from './roles.ts';
import { encodeTarget } from './target.ts';
import { projectBin, type TargetPath } from './target-path.ts';

const expires = new Date('2030-01-01T00:00:00Z');
const keyOf = (number: number): Promise<PublicKey> =>
  makePublicKey('ed25519', 'ed25519', number.toString(16).padStart(64, '0'));
const keys = await Promise.all(Array.from({ length: 40 }, (_, number) => keyOf(number)));
const topKey = await keyOf(1000);
const treeKeys: TreeKeys = {
  roleKeys: { keyids: [topKey.keyid], threshold: 1 },
  keys: new Map([[topKey.keyid, topKey]]),
};

const nameOf = (number: number): ProjectName => normalizeName(`project-${number}`);

function projectsOf(count: number): Map<ProjectName, ProjectDelegation> {
  const projects = new Map<ProjectName, ProjectDelegation>();
  for (let number = 0; number < count; number++) {
    const project = nameOf(number);
    const own = keys.slice(number % 30, (number % 30) + 1 + (number % 3));
    own.sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
    projects.set(project, { project, role: projectRole(project, 1 + (number % 2)), keys: own, threshold: 1 });
  }
  return projects;
}

function targetsOf(projects: number, filesEach: number): Map<TargetPath, TargetFile> {
  const targets = new Map<TargetPath, TargetFile>();
  for (let number = 0; number < projects * filesEach; number++) {
    const project = nameOf(number % projects);
    const filename = `${project.replace('-', '_')}-${number}.0-py3-none-any.whl`;
    const made = encodeTarget({ project, filename, sha256: 'ab'.repeat(32), size: 1, uploadTime: new Date(0) });
    targets.set(made.path, made.file);
  }
  return targets;
}

const signedBytes = (top: Top, bin: BinRole): Uint8Array => canonicalize(binRoleJson(top, bin, 1, expires, treeKeys));
const parsed = (signed: Uint8Array): Targets => parseTargets(envelopeBytes(signed, [])).signed;

function written(top: Top, content: LeafContent): Map<string, Targets> {
  return new Map(planLeaf('', content).map((bin) => [binRoleName(top, bin.prefix), parsed(signedBytes(top, bin))]));
}

const reversed = <K, V>(map: ReadonlyMap<K, V>): Map<K, V> => new Map([...map].reverse());

test('a tree of projects or of targets is read back as it was written, whatever its size (D14, M9)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 }), fc.constantFrom(CLAIMED, RECENTLY_CLAIMED), (count, top) => {
      const projects = projectsOf(count);
      const roles = written(top, { projects });
      const tree = readTree(top, treeKeys.roleKeys, (role) => roles.get(role));
      assert.deepEqual(tree.projects, projects);
      assert.equal(tree.roles.size, roles.size);
      assert.equal(tree.targets.size, 0);
    }),
    { numRuns: 20 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.constantFrom(RARELY_UPDATED, UNCLAIMED), (count, top) => {
      const targets = targetsOf(count, 3);
      const roles = written(top, { targets });
      const tree = readTree(top, treeKeys.roleKeys, (role) => roles.get(role));
      assert.deepEqual(tree.targets, targets);
      assert.equal(tree.roles.size, roles.size);
    }),
    { numRuns: 20 },
  );
});

test('the same content makes the same bytes, in whatever order it comes (M9: signing is reproducible)', () => {
  const contents: [Top, LeafContent, LeafContent][] = [
    [CLAIMED, { projects: projectsOf(200) }, { projects: reversed(projectsOf(200)) }],
    [RARELY_UPDATED, { targets: targetsOf(80, 4) }, { targets: reversed(targetsOf(80, 4)) }],
  ];
  for (const [top, one, other] of contents) {
    const [first, second] = [planLeaf('', one), planLeaf('', other)];
    assert.ok(first.length > 10);
    assert.deepEqual(
      first.map((bin) => Buffer.from(signedBytes(top, bin)).toString()),
      second.map((bin) => Buffer.from(signedBytes(top, bin)).toString()),
    );
  }
  const [project] = projectsOf(1).values();
  assert.ok(project);
  const several = { ...project, keys: keys.slice(0, 5) };
  const leafOf = (delegation: ProjectDelegation) =>
    signedBytes(CLAIMED, { prefix: '', projects: new Map([[delegation.project, delegation]]) });
  assert.deepEqual(leafOf(several), leafOf({ ...several, keys: several.keys.toReversed() }));
});

test('leaves of projects take about the size that a leaf may have, and none takes much more', () => {
  const roles = planLeaf('', { projects: projectsOf(3_000) });
  const sizes = roles.flatMap((bin) => ('projects' in bin ? [signedBytes(CLAIMED, bin).length] : []));
  assert.ok(Math.max(...sizes) < BIN_BYTES * 1.1, String(Math.max(...sizes)));
  const largest = signedBytes(CLAIMED, { prefix: '', projects: projectsOf(30) }).length / 30;
  assert.ok(largest > 300 && largest < 700, String(largest));
});

test('only branches of the last tree end a search, and projects always do', () => {
  for (const [top, ends] of [
    [CLAIMED, false],
    [RECENTLY_CLAIMED, false],
    [RARELY_UPDATED, false],
    [UNCLAIMED, true],
  ] as const) {
    const { delegations } = parsed(signedBytes(top, { prefix: '3', digits: '0f' }));
    assert.deepEqual(
      delegations?.roles.map(({ name, terminating }) => [name, terminating]),
      [
        [`${top}.30`, ends],
        [`${top}.3f`, ends],
      ],
    );
  }
  const { delegations } = parsed(signedBytes(CLAIMED, { prefix: '', projects: projectsOf(2) }));
  assert.deepEqual(
    delegations?.roles.map(({ name, terminating, paths }) => [name, terminating, paths]),
    [0, 1].map((n) => [projectRole(nameOf(n), 1 + n), true, [`${projectBin(nameOf(n))}/${nameOf(n)}/*`]]),
  );
});

test('a leaf of rarely-updated closes the projects that it lists, and no others', () => {
  const { delegations } = parsed(signedBytes(RARELY_UPDATED, { prefix: '', targets: targetsOf(2, 3) }));
  assert.deepEqual(
    delegations?.roles.map(({ name, terminating, paths, keyids }) => ({ name, terminating, paths, keyids })),
    [
      {
        name: 'rarely-updated.closed',
        terminating: true,
        paths: [0, 1].map((n) => `${projectBin(nameOf(n))}/${nameOf(n)}/*`).sort(),
        keyids: [topKey.keyid],
      },
    ],
  );
  assert.equal(parsed(signedBytes(RARELY_UPDATED, { prefix: '', targets: new Map() })).delegations, undefined);
  assert.equal(parsed(signedBytes(CLAIMED, { prefix: '', projects: new Map() })).delegations, undefined);
  const closed = parsed(canonicalize(closedRoleJson(1, expires)));
  assert.equal(closed.targets.size, 0);
  assert.equal(closed.delegations, undefined);
});

test('two projects with different keys under one keyid are not written: one would sign for the other', async () => {
  const [one, other] = projectsOf(2).values();
  assert.ok(one && other);
  const [mine] = one.keys;
  const stranger = { ...(await keyOf(77)), keyid: mine?.keyid ?? '' };
  const projects = new Map([
    [one.project, one],
    [other.project, { ...other, keys: [stranger], threshold: 1 }],
  ]);
  assert.throws(() => signedBytes(CLAIMED, { prefix: '', projects }), /two different keys/);
});

test('what binRoleJson would not have made is refused', () => {
  const [project] = projectsOf(1).values();
  assert.ok(project);
  const directory = `${projectBin(project.project)}/${project.project}/*`;
  const keyids = project.keys.map(({ keyid }) => keyid);
  const good: DelegatedRole = { name: project.role, keyids, threshold: 1, terminating: true, paths: [directory] };
  const known = new Map([...keys.map((key) => [key.keyid, key] as const), [topKey.keyid, topKey]]);
  const child = { name: 'claimed.0', keyids: [topKey.keyid], threshold: 1, terminating: false, paths: ['0*/*/*'] };
  const [[path, file] = assert.fail()] = targetsOf(1, 1);
  const role = (roles: readonly DelegatedRole[], targets: ReadonlyMap<string, TargetFile> = new Map()): Targets =>
    parsed(canonicalize(targetsJson({ version: 1, expires, targets, delegations: { keys: known, roles } })));
  const refused: [Top, Targets, RegExp][] = [
    [CLAIMED, role([{ ...good, terminating: false }]), /otherwise/],
    [CLAIMED, role([{ ...good, paths: ['*/*/*'] }]), /otherwise/],
    [CLAIMED, role([{ ...good, paths: [directory, '*/*/*'] }]), /otherwise/],
    [CLAIMED, role([{ ...good, name: 'project.other' }]), /otherwise/],
    [CLAIMED, role([{ ...good, name: `${good.name}.windows` }]), /only its project/],
    [CLAIMED, role([{ ...good, name: 'anything' }]), /delegates to "anything"/],
    [CLAIMED, role([good, { ...good, name: `${good.name}.3` }]), /two roles|delegates to/],
    [CLAIMED, role([{ ...good, keyids: ['unknown'] }]), /lacks the key/],
    [CLAIMED, role([good], new Map([[path, file]])), /lists targets/],
    [CLAIMED, role([child], new Map([[path, file]])), /both/],
    [CLAIMED, role([{ ...child, threshold: 2 }]), /otherwise/],
    [CLAIMED, role([{ ...child, keyids }]), /otherwise/],
    [CLAIMED, role([{ ...child, terminating: true }]), /otherwise/],
    [CLAIMED, role([{ ...child, paths: ['*/*/*'] }]), /otherwise/],
    [CLAIMED, role([child, good]), /otherwise|delegates to/],
    [CLAIMED, role([{ ...child, name: 'claimed.f' }, child]), /delegates to "claimed/],
    [CLAIMED, role([child]), /claimed.0 was refused: it is delegated to, and there is none/],
    [UNCLAIMED, role([], new Map([['no/path', file]])), /not of its bins/],
    [UNCLAIMED, role([good], new Map([[path, file]])), /otherwise/],
    [RARELY_UPDATED, role([], new Map([[path, file]])), /otherwise/],
  ];
  const succinct = { keyids, threshold: 1, bitLength: 4, namePrefix: 'claimed.f' };
  const hashed = targetsJson({
    version: 1,
    expires,
    targets: new Map(),
    delegations: { keys: known, roles: [], succinct },
  });
  const bins = parsed(canonicalize(hashed));
  assert.throws(() => readTree(CLAIMED, treeKeys.roleKeys, () => bins), /hashed bins/);
  // A project below a branch that does not lead to it.
  const elsewhere = projectBin(project.project).startsWith('0') ? '1' : '0';
  const strayed = new Map([
    ['claimed', parsed(signedBytes(CLAIMED, { prefix: '', digits: elsewhere }))],
    [`claimed.${elsewhere}`, role([good])],
  ]);
  assert.throws(() => readTree(CLAIMED, treeKeys.roleKeys, (name) => strayed.get(name)), /is not of its bins/);
  for (const [at, [top, targets, reason]] of refused.entries()) {
    assert.throws(
      () => readTree(top, treeKeys.roleKeys, (name) => (name === top ? targets : undefined)),
      (error: unknown) => error instanceof BinTreeError && reason.test(error.message),
      `${at} ${reason}`,
    );
  }
});
