import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationJson, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { encodeTarget, projectRole } from '@holdfast/trust';
import { covers, labelOf, roleFor, rolesOf } from '../src/project/coverage.ts';
import { cosign, cosignable } from '../src/project/cosign.ts';
import { describeTransaction, partsOf } from '../src/project/describe-transaction.ts';
import { lastVersion, roleToClaim } from '../src/project/next-role.ts';
import { notYours } from '../src/project/not-yours.ts';
import type { ProjectStatus } from '../src/project/project-status.ts';
import { holdersAfter } from '../src/project/rotate.ts';
import { signersOf, type Workbench } from '../src/project/workbench.ts';
import { fileNamed, flask, later, NOW, own, signingOf, toKeys } from './signing.ts';

const [ann, bob, eve] = await Promise.all([generateKey('ed25519'), generateKey('ed25519'), generateKey('ed25519')]);
const [windows, arm] = [`${own}.windows`, `${own}.windows.arm`];
const keyid = (who: typeof ann): ReadonlySet<string> => new Set([who.key.keyid]);

const signing = await signingOf(
  {
    role: own,
    signers: [ann],
    version: 3,
    files: [fileNamed('flask-1.0.tar.gz')],
    delegations: toKeys([windows, bob.key, '*-win_*.whl']),
  },
  {
    role: windows,
    signers: [bob],
    files: [fileNamed('flask-1.0-py3-none-win_amd64.whl')],
    delegations: toKeys([arm, eve.key, '*arm64.whl']),
  },
  { role: arm, signers: [eve], unsigned: true },
);
const status: ProjectStatus = {
  project: flask,
  standing: 'claimed',
  role: own,
  staged: [],
  transactions: [],
  claimWaits: false,
  roles: new Map(),
  nextSigning: undefined,
  generation: 1,
  retired: new Map([[`${own}.linux`, 4]]),
};

test('a file goes into the innermost role that the key may sign and that every delegation on the way covers (D13)', () => {
  const roleOf = (filename: string, who: typeof ann) => roleFor(signing, filename, keyid(who))?.role;
  assert.equal(roleOf('flask-1.1-py3-none-win_amd64.whl', ann), own);
  assert.equal(roleOf('flask-1.1-py3-none-win_amd64.whl', bob), windows);
  assert.equal(roleOf('flask-1.1.tar.gz', bob), undefined);
  assert.equal(roleOf('flask-1.1-py3-none-win_arm64.whl', eve), arm);
  assert.equal(roleOf('flask-1.1-py3-none-linux_arm64.whl', eve), undefined, 'its parent has no say there');
  assert.deepEqual(
    rolesOf(signing, keyid(bob)).map(({ role }) => role),
    [windows],
  );
  assert.ok(signing.roles[0] && covers(signing, signing.roles[0], 'flask-9.tar.gz'));
  assert.deepEqual([labelOf(own), labelOf(arm)], ['the project', 'windows.arm']);
});

test('who may not sign a file is told what they may, or who may', () => {
  const outside = notYours(signing, bob.key.keyid, 'flask-1.1.tar.gz');
  assert.match(outside.message, /flask-1\.1\.tar\.gz is outside of what your key .* windows \(\*-win_\*\.whl\)/);
  const stranger = notYours(signing, '0'.repeat(64), 'flask-1.1.tar.gz');
  assert.match(stranger.message, new RegExp(`none of those that sign for flask: ${ann.key.keyid.slice(0, 12)}`));
});

test('a change that waits is told in words: what comes, what goes, who may sign', async () => {
  const files = [fileNamed('flask-1.0.tar.gz'), fileNamed('flask-1.1.tar.gz')].map(encodeTarget);
  const targets = new Map(files.map(({ path, file }) => [path, file]));
  const linux = toKeys([`${own}.linux`, eve.key, '*linux*.whl']);
  const bytes = await signMetadata(targetsJson({ version: 4, expires: later(700), targets, delegations: linux }), [
    eve,
  ]);
  const view = describeTransaction(signing, { roles: new Map([[own, bytes]]) });
  const [role] = view.roles;
  assert.deepEqual(
    [role?.version, role?.added.map(({ filename }) => filename), role?.removed, role?.undelegated, role?.isRenewal],
    [4, ['flask-1.1.tar.gz'], [], [windows], false],
  );
  assert.deepEqual(
    role?.delegated.map(({ name }) => name),
    [`${own}.linux`],
  );
  const gone = await signMetadata(targetsJson({ version: 4, expires: later(700), targets: new Map() }), []);
  assert.deepEqual(describeTransaction(signing, { roles: new Map([[own, gone]]) }).roles[0]?.removed, [
    'flask-1.0.tar.gz',
  ]);
  assert.throws(
    () => describeTransaction(signing, { roles: new Map([['project.django', gone]]) }),
    /not part of flask/,
  );
  const evil = { ...toKeys([`${own}.\u001b[2J`, eve.key, '*']) };
  const steering = await signMetadata(
    targetsJson({ version: 4, expires: later(9), targets: new Map(), delegations: evil }),
    [],
  );
  assert.throws(() => describeTransaction(signing, { roles: new Map([[own, steering]]) }), /not part of flask/);
  const same = signing.roles[0]?.signed?.bytes ?? assert.fail();
  assert.equal(describeTransaction(signing, { roles: new Map([[own, same]]) }).roles[0]?.isRenewal, true);
});

test('a holder signs the parts that are theirs: by the new keys for a role, by the old ones for their rotation (TAP 8)', async () => {
  const rotation = await signMetadata(rotationJson({ role: own, version: 1, keys: [bob.key], threshold: 1 }), []);
  const bytes = await signMetadata(targetsJson({ version: 4, expires: later(9), targets: new Map() }), [bob]);
  const transaction = { rotation, roles: new Map([[own, bytes]]) };
  assert.deepEqual(
    partsOf(signing, transaction).map(({ name, keys }) => [name, ...keys.keys()]),
    [
      [`rotate/${own}.rotate.1`, ann.key.keyid],
      [own, bob.key.keyid],
    ],
  );
  const waiting = [{ account: 'bob', recordedAt: NOW, transaction, waiting: new Map() }];
  const mine = (who: typeof ann) => cosignable(signing, waiting, who.key)[0]?.mine;
  assert.deepEqual([mine(ann), mine(bob), mine(eve)], [[`rotate/${own}.rotate.1`], [], []]);
  const [first] = cosignable(signing, waiting, ann.key);
  const bench = { index: 'f'.repeat(64), signer: async () => ann } as unknown as Workbench;
  assert.ok(first);
  await assert.rejects(cosign(bench, signing, first), /was not made for this index/);
  const below = { roles: new Map([[windows, bytes]]) };
  assert.deepEqual(
    partsOf(signing, below).map(({ keys }) => [...keys.keys()]),
    [[bob.key.keyid]],
  );
});

test('a claim takes the name that comes next, and never one of another project', async () => {
  const none = { ...signing, roles: [] };
  assert.deepEqual(roleToClaim(none, { ...status, role: undefined }), { role: own, last: 0 });
  assert.deepEqual(roleToClaim(none, { ...status, role: undefined, generation: 3 }), {
    role: projectRole(flask, 3),
    last: 0,
  });
  const revoked = await signingOf({ role: own, signers: [ann], revoked: true });
  assert.equal(roleToClaim(revoked, { ...status, role: 'project.flask' }).role, 'project.flask.2');
  for (const role of ['project.django', 'project.flask.windows', 'unclaimed'])
    assert.throws(() => roleToClaim(none, { ...status, role }), { code: 'UNEXPECTED_ANSWER' });
  assert.equal(lastVersion(`${own}.linux`, status), 4);
  const roles = new Map([[own, signing.roles[0]?.signed?.bytes ?? new Uint8Array()]]);
  assert.equal(lastVersion(own, { ...status, roles }), 3);
  assert.equal(lastVersion(own, { ...status, roles: new Map([[own, new Uint8Array()]]) }), 0);
});

test('keys that only a delegation still names sign along when they are at hand, for clients without rotate files', async () => {
  const { roles } = await signingOf({ role: own, signers: [ann], former: [bob.key.keyid, eve.key.keyid] });
  const quietSigner = async (keyid: string) => (keyid === bob.key.keyid ? bob : undefined);
  const bench = { quietSigner } as unknown as Workbench;
  assert.deepEqual(await signersOf(bench, roles[0] ?? assert.fail(), ann), [ann, bob]);
  assert.deepEqual(await signersOf({} as unknown as Workbench, roles[0] ?? assert.fail(), ann), [ann]);
});

test('keys after a rotation: never none, never fewer than have to sign, never the same as before', () => {
  const role = signing.roles[0] ?? assert.fail();
  assert.deepEqual([...holdersAfter(role, { add: [bob.key], remove: [] }).keys.keys()], [ann.key.keyid, bob.key.keyid]);
  const replaced = holdersAfter(role, { add: [bob.key], remove: [ann.key.keyid.slice(0, 8)] });
  assert.deepEqual([...replaced.keys.keys()], [bob.key.keyid]);
  for (const [change, why] of [
    [{ add: [], remove: [ann.key.keyid] }, /nobody could sign/],
    [{ add: [], remove: [], threshold: 2 }, /2 different keys/],
    [{ add: [ann.key], remove: [] }, /how it is already/],
    [{ add: [], remove: ['abc'] }, /no key of/],
  ] as const)
    assert.throws(() => holdersAfter(role, change), why);
});
