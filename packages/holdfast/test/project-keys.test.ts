import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  claimProject,
  type ClaimView,
  cosign,
  cosignable,
  delegate,
  projectApi,
  projectsOf,
  release,
  renew,
  revoke,
  rotate,
  undelegate,
  yankFiles,
} from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { forIndex } from '@holdfast/trust';
import { revocationJson, RoleRevokedError, signMetadata } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { registerKey } from '../../index/test/support/developer.ts';
import { type Developer, releaseOf, scene } from './developers.ts';

const flask = normalizeName('flask');
const keyids = (...who: readonly Developer[]): readonly string[] =>
  who.map(({ ownSigner }) => ownSigner.key.keyid).sort();

async function publish(by: Developer, version: string, platforms: readonly string[] = [], claim = true) {
  return (await release(by, flask, await by.build(...releaseOf('flask', version, platforms)), { claim })).outcome;
}

async function found(by: Developer): Promise<readonly string[]> {
  await by.client.refresh();
  const { files = [] } = (await by.client.project(flask)) ?? {};
  return files.map(({ filename, voucher }) => `${filename} ${voucher.chain.at(-1)}`).sort();
}

async function ownRole(by: Developer) {
  await by.client.refresh();
  return (await by.client.signing(flask)).roles[0] ?? assert.fail('not claimed');
}

/** Signs what waits for this person, as `holdfast sign` does. */
async function signWaiting(by: Developer): Promise<readonly string[]> {
  await by.client.refresh();
  const [signing, status] = [await by.client.signing(flask), await projectApi(by, flask).status()];
  const states: string[] = [];
  for (const each of cosignable(signing, status.transactions, by.ownSigner.key)) {
    if (each.mine.length > 0) states.push((await cosign(by, signing, each)).state);
  }
  return states;
}

test('a claim shows what verified metadata lists, and signs exactly that (M1)', async (t) => {
  const { developer } = await scene(t);
  const [ann, bob] = [await developer('ann'), await developer('bob')];
  await publish(ann, '1.0', [], false);
  const options = { others: [], threshold: 1 };
  let shown: ClaimView | undefined;
  const no = async (view: ClaimView): Promise<boolean> => ((shown = view), false);
  assert.deepEqual(await claimProject(ann, flask, { ...options, confirm: no }), { state: 'declined' });
  assert.deepEqual(shown?.files.map(({ filename }) => filename).sort(), [
    'flask-1.0-py3-none-any.whl',
    'flask-1.0.tar.gz',
  ]);
  assert.deepEqual([shown.before, shown.role], ['unclaimed', 'project.flask']);
  const yes = async (): Promise<boolean> => true;
  // Somebody publishes while the person thinks.
  const slow = async (): Promise<boolean> => (await publish(ann, '1.1', [], false)) !== undefined;
  await assert.rejects(claimProject(ann, flask, { ...options, confirm: slow }), /changed while you looked at it/);
  await assert.rejects(claimProject(bob, flask, { ...options, confirm: yes }), { reason: 'NOT_YOUR_PROJECT' });
  await assert.rejects(claimProject(ann, flask, { ...options, threshold: 2, confirm: yes }), /2 different keys/);
  const outcome = await claimProject(ann, flask, { ...options, confirm: yes });
  assert.ok(outcome.state === 'published' && outcome.signing.standing === 'recently-claimed');
  assert.equal((await found(ann)).filter((file) => file.endsWith(' project.flask')).length, 4);
  await assert.rejects(claimProject(ann, flask, { ...options, confirm: yes }), /claimed already/);
  await assert.rejects(
    claimProject(ann, normalizeName('empty'), { ...options, confirm: yes }),
    /publishes nothing yet/,
  );
});

test('with a threshold of two, nothing is visible before both have signed the very same (M2)', async (t) => {
  const { developer } = await scene(t);
  const [ann, bob] = [await developer('ann'), await developer('bob')];
  await publish(ann, '1.0', [], false);
  const claim = { others: [bob.ownSigner.key], threshold: 2, confirm: async () => true };
  const claimed = await claimProject(ann, flask, claim);
  assert.ok(claimed.state === 'waiting' && claimed.waiting.get('project.flask')?.threshold === 2);
  assert.equal((await ann.client.signing(flask)).standing, 'unclaimed');
  assert.deepEqual(await signWaiting(ann), [], 'nobody signs twice');
  assert.deepEqual(await signWaiting(bob), ['published']);
  assert.deepEqual([...(await ownRole(ann)).keys.keys()].sort(), keyids(ann, bob));

  assert.equal((await publish(bob, '1.1')).state, 'waiting');
  assert.equal((await found(ann)).length, 2);
  const status = await projectApi(ann, flask).status();
  const [view] = cosignable(await ann.client.signing(flask), status.transactions, ann.ownSigner.key);
  assert.deepEqual(
    view?.view.roles.map(({ version, added, removed }) => [version, added.length, removed.length]),
    [[2, 2, 0]],
  );
  assert.deepEqual(await signWaiting(ann), ['published']);
  assert.equal((await found(ann)).length, 4);
});

test('a friend signs some of the files with a key of their own, until that is taken back (D13, D17)', async (t) => {
  const { developer } = await scene(t);
  const [ann, bob] = [await developer('ann'), await developer('bob')];
  await publish(ann, '1.0');
  const windows = { name: 'windows', keys: [bob.ownSigner.key], threshold: 1, patterns: ['*-win_amd64.whl'] };
  assert.equal((await delegate(ann, flask, windows)).state, 'published');
  assert.equal((await found(ann)).length, 2, 'what nobody has signed yet hides nothing');
  assert.equal((await publish(bob, '1.0', ['win_amd64'])).state, 'published');
  assert.ok((await found(ann)).includes('flask-1.0-py3-none-win_amd64.whl project.flask.windows'));
  await assert.rejects(publish(bob, '1.0', ['macosx_11_0_arm64']), {
    code: 'NOT_YOUR_ROLE',
    message: /outside of what your key .* windows \(\*-win_amd64\.whl\)/,
  });
  await assert.rejects(delegate(bob, flask, { ...windows, name: 'mine' }), { code: 'NOT_YOUR_ROLE' });
  const inside = { ...windows, name: 'windows.arm', patterns: ['*-win_arm64.whl'] };
  await assert.rejects(delegate(bob, flask, inside), { reason: 'DELEGATION_OUTSIDE' });
  await assert.rejects(delegate(ann, flask, { ...windows, name: 'Windows!' }), /cannot be the name/);

  assert.equal(
    (await yankFiles(bob, flask, { subjects: ['flask-1.0-py3-none-win_amd64.whl'], yanked: true })).outcome.state,
    'published',
  );
  await assert.rejects(yankFiles(bob, flask, { subjects: ['flask-1.0.tar.gz'], yanked: true }), {
    code: 'NOT_YOUR_ROLE',
  });

  assert.equal((await undelegate(ann, flask, { name: 'windows', keepFiles: true })).state, 'published');
  assert.ok((await found(ann)).includes('flask-1.0-py3-none-win_amd64.whl project.flask'));
  await assert.rejects(publish(bob, '1.1', ['win_amd64']), { code: 'NOT_YOUR_ROLE' });
  await assert.rejects(
    undelegate(ann, flask, { name: 'windows', keepFiles: true }),
    /delegates nothing under the name/,
  );

  assert.equal((await delegate(ann, flask, windows)).state, 'published', 'the same name again');
  assert.equal((await publish(bob, '1.2', ['win_amd64'])).state, 'published', 'its versions go on');
  assert.equal((await undelegate(ann, flask, { name: 'windows', keepFiles: false })).state, 'published');
  assert.equal((await found(ann)).length, 3, 'dropped files are gone');
});

test('a yank is signed by the developers of a claimed project, and by the index for others (D20)', async (t) => {
  const { developer } = await scene(t);
  const ann = await developer('ann');
  await publish(ann, '1.0', [], false);
  const yanked = async () => (await ann.client.signing(flask)).files.map(({ yanked: mark }) => mark);
  await yankFiles(ann, flask, { subjects: ['1.0'], yanked: true, reason: 'broken' });
  assert.deepEqual(await yanked(), ['broken', 'broken']);
  await claimProject(ann, flask, { others: [], threshold: 1, confirm: async () => true });
  assert.deepEqual(await yanked(), ['broken', 'broken'], 'a claim keeps it');
  await yankFiles(ann, flask, { subjects: ['flask-1.0.tar.gz'], yanked: false });
  assert.deepEqual(
    (await yanked()).filter((mark) => mark !== undefined),
    ['broken'],
  );
  await assert.rejects(yankFiles(ann, flask, { subjects: ['9.9'], yanked: true }), /neither a file nor a version/);
});

test('keys come and go by rotation: a second maintainer, a threshold, somebody who leaves (TAP 8)', async (t) => {
  const { developer } = await scene(t);
  const [ann, bob] = [await developer('ann'), await developer('bob')];
  await publish(ann, '1.0');
  assert.deepEqual(await projectsOf(ann), [flask]);
  await assert.rejects(rotate(bob, flask, { add: [bob.ownSigner.key], remove: [] }), { code: 'NOT_YOUR_ROLE' });
  await rotate(ann, flask, { add: [bob.ownSigner.key], remove: [] });
  assert.deepEqual([...(await ownRole(ann)).keys.keys()].sort(), keyids(ann, bob));
  assert.equal((await publish(bob, '1.1')).state, 'published');
  await assert.rejects(rotate(ann, flask, { add: [], remove: [] }), /how it is already/);
  await assert.rejects(rotate(ann, flask, { add: [], remove: keyids(ann, bob) }), /nobody could sign/);
  const stricter = await rotate(ann, flask, { add: [], remove: [], threshold: 2 });
  assert.equal(stricter.state, 'waiting', 'the version that is published has one signature');
  assert.deepEqual(await signWaiting(bob), ['published']);
  assert.equal((await ownRole(ann)).threshold, 2);
  const left = await rotate(ann, flask, { add: [], remove: keyids(bob), threshold: 1 });
  assert.equal(left.state, 'waiting');
  assert.deepEqual(await signWaiting(bob), ['published']);
  assert.deepEqual([...(await ownRole(ann)).keys.keys()], keyids(ann));
  await assert.rejects(publish(bob, '1.2'), { code: 'NOT_YOUR_ROLE' });
  assert.equal((await publish(ann, '1.2')).state, 'published');
});

test('a revocation ends a project at once, and a claim with a new key begins it anew (TAP 20, M11)', async (t) => {
  const { served, developer } = await scene(t);
  const ann = await developer('ann');
  await publish(ann, '1.0');
  assert.equal((await revoke(ann, flask)).state, 'published');
  await ann.client.refresh();
  await assert.rejects(ann.client.project(flask), RoleRevokedError);
  await assert.rejects(publish(ann, '1.1'), /was revoked/);
  await assert.rejects(revoke(ann, flask), /was revoked already/);
  const fresh = await generateKey('ed25519');
  assert.equal((await registerKey(served, ann, fresh, ann.ownSigner)).status, 201);
  const renewed = { ...ann, signer: async () => fresh, ownSigner: fresh };
  const claimed = await claimProject(renewed, flask, { others: [], threshold: 1, confirm: async () => true });
  assert.ok(claimed.state === 'published' && claimed.signing.roles[0]?.role === 'project.flask.2');
  assert.deepEqual(await found(ann), []);
  const outcome = await publish(renewed, '1.1');
  assert.ok(outcome.state === 'published');
  assert.deepEqual(await found(ann), [
    'flask-1.1-py3-none-any.whl project.flask.2',
    'flask-1.1.tar.gz project.flask.2',
  ]);
});

test('a renewal signs the same for longer', async (t) => {
  const ann = await (await scene(t)).developer('ann');
  await publish(ann, '1.0');
  const expires = new Date(Math.ceil(Date.now() / 1000 + 86_400 * 1000) * 1000);
  assert.equal((await renew(ann, flask, expires)).state, 'published');
  const { signed } = await ownRole(ann);
  assert.deepEqual([signed?.version, signed?.expires], [2, expires]);
  assert.equal((await found(ann)).length, 2);
});

test('what was signed for one index is refused by another one where the same key claimed the same project (D4)', async (t) => {
  const [here, there] = [await scene(t), await scene(t)];
  const [ann, stranger] = [await here.developer('ann'), await there.developer('ann')];
  const { key } = ann.ownSigner;
  assert.equal((await registerKey(there.served, stranger, ann.ownSigner, stranger.ownSigner)).status, 201);
  await publish(ann, '1.0');
  const { role, signed } = await ownRole(ann);
  const roles = new Map([[role, signed?.bytes ?? assert.fail()]]);
  const other = { code: 'REFUSED', reason: 'OTHER_INDEX' };
  const claim = { keys: new Map([[key.keyid, key]]), threshold: 1 };
  await assert.rejects(projectApi(stranger, flask).send({ claim, roles }), other);
  const signer = async () => ann.ownSigner;
  assert.equal((await publish({ ...stranger, signer, ownSigner: ann.ownSigner }, '1.0')).state, 'published');
  const revocation = forIndex(revocationJson({ role, version: 1 }), ann.index);
  const rotation = await signMetadata(revocation, [ann.ownSigner]);
  await assert.rejects(projectApi(stranger, flask).send({ roles: new Map(), rotation }), other);
  assert.equal((await projectApi(ann, flask).send({ roles: new Map(), rotation })).state, 'published');
});
