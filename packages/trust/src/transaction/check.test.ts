import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSignature, envelopeBytes, parseTargets, revocationJson, rotationJson, signMetadata } from '@holdfast/tuf';
import {
  after,
  alice,
  bob,
  check,
  CLAIMED_STATE,
  DEMO,
  keysOf,
  LATER,
  mallory,
  nextVersion,
  ONE,
  OWN,
  transactionOf,
  TWO,
  UNCLAIMED_STATE,
  toWendy,
  WIN_ONE,
  WIN_TWO,
  WINDOWS,
  wendy,
} from '../../test/project-scene.ts';
import type { ProjectState } from './transaction.ts';

const present = (role: string): Uint8Array => CLAIMED_STATE.roles.get(role) ?? assert.fail(role);
const own = () => nextVersion(OWN, present(OWN), [alice], (role) => role.setFile(TWO));
const windows = () => nextVersion(WINDOWS, present(WINDOWS), [wendy], (role) => role.setFile(WIN_TWO));

test('a release of owner and friend together: each signs what is theirs, and all files are listed once (M5, D13)', async () => {
  const checked = await check(transactionOf({ [WINDOWS]: await windows(), [OWN]: await own() }));
  assert.deepEqual(
    checked.roles.map(({ role, version, expires }) => [role, version, expires]),
    [
      [OWN, 3, LATER],
      [WINDOWS, 2, LATER],
    ],
  );
  assert.deepEqual(
    [...checked.files.keys()].sort(),
    [ONE, TWO, WIN_ONE, WIN_TWO].map(({ filename }) => filename).sort(),
  );
  assert.deepEqual(checked.files.get(TWO.filename), TWO);
  assert.equal(checked.waiting.size, 0);
  assert.deepEqual(checked.retired, []);
  assert.deepEqual([checked.role, checked.rotations, checked.revoked, checked.claim], [OWN, 0, false, undefined]);
});

test('a friend releases without the owner, and the owner without the friend', async () => {
  assert.equal((await check(transactionOf({ [WINDOWS]: await windows() }))).files.size, 3);
  assert.equal((await check(transactionOf({ [OWN]: await own() }))).files.size, 3);
});

test("whether a file is yanked is the developers' word, and who lists a file no more deletes it", async () => {
  const yanked = await nextVersion(OWN, present(OWN), [alice], (role) => role.yank(ONE.filename, 'broken'));
  assert.equal((await check(transactionOf({ [OWN]: yanked }))).files.get(ONE.filename)?.yanked, 'broken');
  const deleted = await nextVersion(OWN, present(OWN), [alice], (role) => role.removeFile(ONE.filename));
  assert.deepEqual([...(await check(transactionOf({ [OWN]: deleted }))).files.keys()], [WIN_ONE.filename]);
});

test('a threshold that is not met waits, and says who has signed; with the last signature nothing waits (M2)', async () => {
  const state: ProjectState = { ...CLAIMED_STATE, keys: keysOf(alice, bob), threshold: 2 };
  const one = await own();
  const { waiting } = await check(transactionOf({ [OWN]: one }), state);
  assert.deepEqual(waiting, new Map([[OWN, { signed: [alice.key.keyid], threshold: 2 }]]));
  const both = await check(transactionOf({ [OWN]: await addSignature(one, bob) }), state);
  assert.equal(both.waiting.size, 0);
});

test('a delegation that comes with a first version waits for its signature; no operator is asked (D2, D17)', async () => {
  const delegating = await nextVersion(OWN, present(OWN), [alice], (role) => {
    role.delegate({ ...toWendy, label: 'farm', filenames: ['*-any.whl'], keys: [bob.key] });
  });
  const farm = `${OWN}.farm`;
  const unsigned = await nextVersion(farm, undefined, []);
  const transaction = transactionOf({ [OWN]: delegating, [farm]: unsigned });
  assert.deepEqual((await check(transaction)).waiting, new Map([[farm, { signed: [], threshold: 1 }]]));
  const signed = await check(transactionOf({ [OWN]: delegating, [farm]: await addSignature(unsigned, bob) }));
  assert.equal(signed.waiting.size, 0);
  assert.deepEqual(
    signed.roles.map(({ role, version }) => [role, version]),
    [
      [OWN, 3],
      [farm, 1],
    ],
  );
});

test('a delegation counts before anybody signed it, behind everything that is listed: clients go on without it', async () => {
  const delegating = await nextVersion(OWN, present(OWN), [alice], (role) => {
    role.delegate({ ...toWendy, label: 'farm', filenames: ['*.whl'], keys: [bob.key] });
  });
  const checked = await check(transactionOf({ [OWN]: delegating }));
  assert.deepEqual(
    checked.roles.map(({ role }) => role),
    [OWN],
  );
  assert.equal(checked.files.size, 2);
  const state = after(CLAIMED_STATE, checked);
  const first = await nextVersion(`${OWN}.farm`, undefined, [bob]);
  assert.equal((await check(transactionOf({ [`${OWN}.farm`]: first }), state)).roles.length, 1);
});

test('who is trusted no more is retired with everything below, and a role that comes back goes on counting', async () => {
  const removed = await nextVersion(OWN, present(OWN), [alice], (role) => assert.ok(role.undelegate('windows')));
  const checked = await check(transactionOf({ [OWN]: removed }));
  assert.deepEqual(checked.retired, [WINDOWS]);
  assert.deepEqual([...checked.files.keys()], [ONE.filename]);
  const state: ProjectState = { ...after(CLAIMED_STATE, checked), retired: new Map([[WINDOWS, 1]]) };
  const back = await nextVersion(OWN, removed, [alice], (role) => role.delegate(toWendy));
  const first = await nextVersion(WINDOWS, undefined, [wendy]);
  await assert.rejects(check(transactionOf({ [OWN]: back, [WINDOWS]: first }), state), {
    code: 'VERSION',
    role: WINDOWS,
  });
  const second = await nextVersion(WINDOWS, undefined, [wendy], undefined, { last: 1 });
  assert.equal((await check(transactionOf({ [OWN]: back, [WINDOWS]: second }), state)).roles[1]?.version, 2);
});

test('a claim is a first version that its keys signed; then they are the keys of the project (D16, M1)', async () => {
  const first = await nextVersion(OWN, undefined, [alice], (role) => role.setFile(ONE));
  const claim = { keys: keysOf(alice, bob), threshold: 1 };
  const checked = await check(transactionOf({ [OWN]: first }, { claim }), UNCLAIMED_STATE);
  assert.deepEqual([checked.role, checked.claim, checked.threshold], [OWN, claim, 1]);
  assert.deepEqual([...checked.files.keys()], [ONE.filename]);
  for (const standing of ['none', 'rarely-updated'] as const)
    assert.equal((await check(transactionOf({ [OWN]: first }, { claim }), { ...UNCLAIMED_STATE, standing })).role, OWN);
});

test('a rotation signed by the present keys puts others in their place at once (TAP 8)', async () => {
  const rotation = await signMetadata(rotationJson({ role: OWN, version: 1, keys: [bob.key], threshold: 1 }), [alice]);
  const byBoth = await nextVersion(OWN, present(OWN), [alice, bob]);
  const checked = await check(transactionOf({ [OWN]: byBoth }, { rotation }));
  assert.deepEqual([...checked.keys.keys()], [bob.key.keyid]);
  assert.equal(checked.rotations, 1);
  assert.equal(checked.rotation?.entry, 'rotate/project.demo.rotate.1');
  assert.deepEqual(checked.rotation?.bytes, rotation);
  const state = after(CLAIMED_STATE, checked);
  const byOld = await nextVersion(OWN, state.roles.get(OWN), [alice]);
  await assert.rejects(check(transactionOf({ [OWN]: byOld }), state), { code: 'WRONG_KEY' });
  // Clients that know no rotate files still ask for the keys of the delegation.
  const former = { ...state, formerKeys: keysOf(alice) };
  const byOldAndNew = await nextVersion(OWN, state.roles.get(OWN), [alice, bob]);
  assert.equal((await check(transactionOf({ [OWN]: byOldAndNew }), former)).waiting.size, 0);
  assert.deepEqual((await check(transactionOf({ [OWN]: byOldAndNew }), former)).rotations, 1);
  await assert.rejects(check(transactionOf({ [OWN]: byOld }), former), { code: 'UNSIGNED' });
});

test('under an online delegation a rotation is not published: the delegation itself changes', async () => {
  const state: ProjectState = { ...CLAIMED_STATE, standing: 'recently-claimed' };
  const rotation = await signMetadata(rotationJson({ role: OWN, version: 1, keys: [bob.key], threshold: 1 }), [alice]);
  const byNew = await nextVersion(OWN, present(OWN), [bob]);
  const checked = await check(transactionOf({ [OWN]: byNew }, { rotation }), state);
  assert.deepEqual([checked.rotations, checked.rotation?.entry], [0, undefined]);
  assert.deepEqual([...checked.keys.keys()], [bob.key.keyid]);
});

test('a rotation that half of a threshold signed waits', async () => {
  const state: ProjectState = { ...CLAIMED_STATE, keys: keysOf(alice, bob), threshold: 2 };
  const keys = [bob.key, wendy.key];
  const rotation = await signMetadata(rotationJson({ role: OWN, version: 1, keys, threshold: 1 }), [alice]);
  const roles = { [OWN]: await nextVersion(OWN, present(OWN), [alice, bob]) };
  const { waiting } = await check(transactionOf(roles, { rotation }), state);
  const entry = 'rotate/project.demo.rotate.1';
  assert.deepEqual(waiting, new Map([[entry, { signed: [alice.key.keyid], threshold: 2 }]]));
  const signed = await addSignature(rotation, bob);
  assert.equal((await check(transactionOf(roles, { rotation: signed }), state)).waiting.size, 0);
});

test('a revocation by the present keys leaves nothing of the role, and is published wherever it stands (TAP 20, M11)', async () => {
  const rotation = await signMetadata(revocationJson({ role: OWN, version: 1 }), [alice]);
  for (const standing of ['claimed', 'recently-claimed'] as const) {
    const checked = await check(transactionOf({}, { rotation }), { ...CLAIMED_STATE, standing });
    assert.equal(checked.revoked, true);
    assert.deepEqual(checked.retired, [OWN, WINDOWS]);
    assert.deepEqual([checked.files.size, checked.roles.length, checked.rotations], [0, 0, 1]);
    assert.equal(checked.rotation?.entry, 'rotate/project.demo.rotate.1');
  }
});

test('after a revocation only a claim goes on, as the next generation (M11)', async () => {
  const rotation = await signMetadata(revocationJson({ role: OWN, version: 1 }), [alice]);
  const state = after(CLAIMED_STATE, await check(transactionOf({}, { rotation })));
  await assert.rejects(check(transactionOf({ [OWN]: await own() }), state), { code: 'REVOKED' });
  const next = 'project.demo.2';
  const first = await nextVersion(next, undefined, [bob], (role) => role.setFile(ONE));
  const claim = { keys: keysOf(bob), threshold: 1 };
  const checked = await check(transactionOf({ [next]: first }, { claim }), state);
  assert.deepEqual([checked.role, checked.rotations, checked.revoked], [next, 0, false]);
  await assert.rejects(check(transactionOf({ [OWN]: await own() }, { claim }), state), {
    code: 'ROLE_MISSING',
    role: next,
  });
});

test('the state after a transaction is what the next one begins with', async () => {
  let state = UNCLAIMED_STATE;
  const claim = { keys: keysOf(alice), threshold: 1 };
  const first = await nextVersion(OWN, undefined, [alice], (role) => role.setFile(ONE));
  state = after(state, await check(transactionOf({ [OWN]: first }, { claim }), state));
  for (let version = 2; version < 5; version++) {
    const bytes = await nextVersion(OWN, state.roles.get(OWN), [alice], (role) =>
      role.yank(ONE.filename, version % 2 === 0),
    );
    const checked = await check(transactionOf({ [OWN]: bytes }), state);
    assert.equal(checked.roles[0]?.version, version);
    state = after(state, checked);
    await assert.rejects(check(transactionOf({ [OWN]: bytes }), state), { code: 'VERSION' });
  }
});

test('a signature that is still to be made may stand there empty', async () => {
  const { signedBytes, signatures } = parseTargets(await own());
  const bytes = envelopeBytes(signedBytes, [...signatures, { keyid: mallory.key.keyid, sig: '' }]);
  assert.equal((await check(transactionOf({ [OWN]: bytes }))).waiting.size, 0);
  assert.equal(CLAIMED_STATE.project, DEMO);
});
