import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTargets, signMetadata } from '@holdfast/tuf';
import {
  alice,
  bob,
  changedVersion,
  check,
  CLAIMED_STATE,
  LATER,
  NOW,
  ONE,
  OWN,
  toWendy,
  transactionOf,
  TWO,
  wendy,
  WINDOWS,
} from '../../test/project-scene.ts';
import { projectDirectory } from '../target-path.ts';
import { defaultProjectExpiry, ProjectRoleEditor } from './role-editor.ts';

const present = CLAIMED_STATE.roles.get(OWN) ?? assert.fail();

test('a next version keeps what nobody changed, also what a later version of this package may put there (M14)', async () => {
  const later = await changedVersion(OWN, undefined, [alice], (signed) => new Map(signed).set('x-later', 'kept'));
  const editor = new ProjectRoleEditor(OWN, later);
  editor.setFile(ONE);
  const { signed } = parseTargets(await signMetadata(editor.build(LATER), [alice]));
  assert.equal(signed.version, 2);
  assert.equal(signed.unrecognized.get('x-later'), 'kept');
  assert.deepEqual(signed.expires, LATER);
  const again = new ProjectRoleEditor(OWN, present);
  assert.equal(again.isChanged, false);
  assert.deepEqual([...again.files.values()], [ONE]);
  again.setFile(TWO);
  assert.equal(again.isChanged, true);
});

test('files are listed, yanked, unyanked and removed; only those that are there', async () => {
  const editor = new ProjectRoleEditor(OWN, present);
  assert.equal(editor.yank(ONE.filename, 'broken\n\u0007badly'), true);
  assert.equal(editor.files.get(ONE.filename)?.yanked, 'broken badly');
  assert.equal(editor.yank(ONE.filename, false), true);
  assert.deepEqual(editor.files.get(ONE.filename), ONE);
  assert.equal(editor.isChanged, false);
  assert.equal(editor.yank(ONE.filename, true), true);
  assert.equal(editor.yank(TWO.filename, true), false);
  editor.setFile(TWO);
  assert.equal(editor.removeFile(ONE.filename), true);
  assert.equal(editor.removeFile(ONE.filename), false);
  const bytes = await signMetadata(editor.build(LATER), [alice]);
  const { files } = await check(transactionOf({ [OWN]: bytes }));
  assert.ok(files.has(TWO.filename) && !files.has(ONE.filename));
});

test('a delegation gets its whole name and its patterns their directory; it is changed under the same label', async () => {
  const editor = new ProjectRoleEditor(OWN, present);
  const name = editor.delegate({ ...toWendy, keys: [wendy.key, bob.key], threshold: 2, filenames: ['*.whl'] });
  assert.equal(name, WINDOWS);
  const { delegations } = parseTargets(await signMetadata(editor.build(LATER), [alice])).signed;
  assert.deepEqual(delegations?.roles, [
    {
      name,
      keyids: [wendy.key.keyid, bob.key.keyid],
      threshold: 2,
      terminating: false,
      paths: [`${projectDirectory(ONE.project)}*.whl`],
    },
  ]);
  assert.deepEqual([...(delegations?.keys.keys() ?? [])].sort(), [wendy.key.keyid, bob.key.keyid].sort());
  assert.equal(editor.undelegate('windows'), true);
  assert.equal(editor.undelegate('windows'), false);
  assert.throws(() => editor.delegate({ ...toWendy, threshold: 2 }), { code: 'FORMAT' });
});

test('a role that is revived goes on counting, and a name of no project is none', () => {
  assert.equal(new ProjectRoleEditor(WINDOWS, undefined, 7).version, 8);
  assert.equal(new ProjectRoleEditor(WINDOWS).version, 1);
  assert.throws(() => new ProjectRoleEditor('unclaimed.3f'), RangeError);
});

test('roles expire after two years by default', () => {
  assert.equal(defaultProjectExpiry(NOW).toISOString(), '2028-11-21T12:00:00.000Z');
});
