import assert from 'node:assert/strict';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { openIndex } from '../src/index.ts';
import { distributionOf } from '../src/publish/file-rows.ts';
import { clientOf, listed, newFile, openBare, uploadBare } from './support/bare-index.ts';
import {
  claim,
  delegationTo,
  makeClaimsIndex,
  makeDeveloper,
  makeModelTargets,
  rotation,
  signRole,
  signTrees,
  stageFile,
  standingOf,
  submit,
} from './support/claims.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { temporaryDirectory } from './support/tools.ts';

const { makeStores } = await startDistributed();

const name = (project: string, version: string): string => newFile(project, version).filename;

test('in PostgreSQL and S3, a process that does not sign takes claims and transactions, and learns of offline signings (M5, M8, D8)', async (t) => {
  const { stores, bucket } = await makeStores('claims');
  const made = await makeClaimsIndex(t, 'legacy', stores);
  const machine = await temporaryDirectory(t, 'machine');
  await mkdir(join(machine, 'view'));
  await symlink(bucket, join(machine, 'view/objects'));
  await cp(join(made.directory, 'config.json'), join(machine, 'config.json'));
  const signer = await openBare(made.directory);
  const other = await openIndex(machine, { passphrase: undefined });
  t.after(() => other.close());
  const developer = await makeDeveloper(other);
  const second = await makeDeveloper(other);
  const view = clientOf({ directory: join(machine, 'view'), root: made.root });
  const shown = async (project: string): Promise<string[]> => {
    await view.refresh();
    return [...(await listed(view, project)).keys()];
  };

  await uploadBare(other, 'mine', '1.0');
  for (const project of ['mine', 'theirs']) await stageFile(other, project, '2.0');
  const { revision } = { revision: other.catalog.revision(normalizeName('mine')) };
  await claim(other, 'mine', developer, [name('mine', '2.0')]);
  assert.deepEqual(await shown('mine'), [name('mine', '2.0')]);
  assert.ok(other.catalog.revision(normalizeName('mine')) > revision, 'its page is made anew');
  assert.equal((await other.catalog.projectPage(normalizeName('mine')))?.files.length, 1);
  await claim(other, 'theirs', developer, [name('theirs', '2.0')]);

  const claimed = [delegationTo('mine', developer), delegationTo('theirs', developer)];
  await signer.importOffline(await signTrees(made, { claimed }, signer));
  assert.equal((await standingOf(other, 'mine'))?.standing, 'claimed');
  const role = 'project.mine';
  const roles = new Map([[role, await signRole(other, role, [name('mine', '2.0')], [second])]]);
  await submit(other, 'mine', { roles, rotation: await rotation(role, 1, [second], [developer]) });
  assert.deepEqual(await shown('mine'), [name('mine', '2.0')]);
  assert.equal((await standingOf(other, 'mine'))?.rotations, 1);

  await uploadBare(other, 'quiet', '1.0');
  const quiet = await other.records.read.selectFrom('files').selectAll().where('project', '=', 'quiet').execute();
  const trees = await signTrees(made, { rarelyUpdated: quiet.map(distributionOf) }, signer);
  await signer.importOffline({ ...trees, targets: await makeModelTargets(made, 'maximum', 2) });
  assert.deepEqual(await shown('quiet'), [name('quiet', '1.0')]);
  assert.deepEqual(await shown('mine'), [name('mine', '2.0')]);
  await stageFile(other, 'quiet', '2.0');
  await signer.importOffline(await signTrees(made, { rarelyUpdated: [] }, signer));
  assert.deepEqual(await shown('quiet'), [name('quiet', '1.0'), name('quiet', '2.0')]);
  await signer.importOffline({ targets: await makeModelTargets(made, 'minimum', 3) });
  assert.deepEqual(await shown('mine'), [name('mine', '2.0')]);
  assert.deepEqual(await other.records.read.selectFrom('standings').selectAll().execute(), []);
});
