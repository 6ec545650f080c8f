import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf, listed, newFile, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';
import {
  claim,
  delegationTo,
  makeClaimsIndex,
  makeDeveloper,
  makeModelTargets,
  openClaimsIndex,
  rolesOf,
  signTrees,
  stageFile,
  standingOf,
  statesOf,
} from './support/claims.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { distributionOf } from '../src/publish/file-rows.ts';

const name = (project: string, version: string): string => newFile(project, version).filename;

test('an offline signing that breaks off anywhere is finished at the next start; until then readers see the old state (P10, D16)', async (t) => {
  const made = await makeClaimsIndex(t);
  const store = await FaultyStore.open(made.directory);
  let index = await openBare(made.directory, { objects: store, massFrom: 0 });
  const developer = await makeDeveloper(index);
  const projects = Array.from({ length: 30 }, (_, i) => `p-${i}`);
  await Promise.all(projects.map((project) => uploadBare(index, project, '1.0')));
  await claim(index, 'p-0', developer, [name('p-0', '1.0')]);
  const client = clientOf(made);
  // Back and forth, a model with many moves each way; each time it breaks off one put later.
  let [version, broken] = [1, 0];
  for (const at of [1, 2, 4, 6]) {
    for (const model of ['maximum', 'legacy'] as const) {
      const rows = await index.records.read.selectFrom('files').selectAll().where('project', '<>', 'p-0').execute();
      const trees = model === 'maximum' ? { rarelyUpdated: rows.map(distributionOf) } : {};
      const signed = await signTrees(made, trees, index);
      const offer = { ...signed, targets: await makeModelTargets(made, model, ++version) };
      store.fail((put) => (put === at ? (model === 'maximum' ? 'after' : 'before') : undefined));
      const broke = await index.importOffline(offer).then(
        () => false,
        (error: unknown) => {
          assert.match(String(error), /the disk is gone/);
          return true;
        },
      );
      await client.refresh();
      for (const project of projects) assert.equal((await listed(client, project)).size, 1, `${project} at ${at}`);
      store.fail(() => undefined);
      await index.close();
      // In turn, everything is signed anew, and only what changes.
      index = await openBare(made.directory, { objects: store, massFrom: version % 3 === 0 ? 0 : 20 });
      const standing = (await standingOf(index, 'p-1'))?.standing;
      assert.equal(standing, model === 'maximum' ? 'rarely-updated' : undefined, `${model} at ${at}`);
      assert.equal((await standingOf(index, 'p-0'))?.standing, 'recently-claimed');
      for (const project of projects) assert.equal((await listedNow(project)).size, 1, `${project} at ${at}`);
      if (broke) broken++;
    }
  }
  assert.deepEqual(store.complaints, []);
  const { read } = index.records;
  for (const table of ['offered_roles', 'offered_standings', 'mass_publications', 'prepared'] as const)
    assert.deepEqual(await read.selectFrom(table).selectAll().execute(), [], table);
  assert.ok(broken >= 6, `${broken} of ${version - 1} broke off`);

  function listedNow(project: string): Promise<Map<string, string>> {
    return verifiedFiles(made, project);
  }
});

test('transactions and uploads that come while an offline signing is published are neither lost nor shown twice (M8)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t);
  const projects = Array.from({ length: 12 }, (_, i) => `p-${i}`);
  for (const project of projects) await stageFile(index, project, '1.0');
  await Promise.all(projects.slice(0, 6).map((project) => claim(index, project, developer, [name(project, '1.0')])));
  const delegations = projects.slice(0, 6).map((project) => delegationTo(project, developer));
  const offer = index.importOffline(await signTrees(made, { claimed: delegations }, index));
  const others = projects.slice(6).map((project) => claim(index, project, developer, [name(project, '1.0')]));
  const uploads = Array.from({ length: 20 }, (_, i) => uploadBare(index, `q-${i}`, '1.0'));
  await Promise.all([offer, ...others, ...uploads]);
  for (const project of projects)
    assert.deepEqual([...(await verifiedFiles(made, project)).keys()], [name(project, '1.0')]);
  for (let i = 0; i < 20; i++) assert.equal((await verifiedFiles(made, `q-${i}`)).size, 1);
  assert.deepEqual(await statesOf(index, 'p-11'), { [name('p-11', '1.0')]: 'published' });
  assert.equal((await standingOf(index, 'p-0'))?.standing, 'claimed');
  assert.equal((await standingOf(index, 'p-11'))?.standing, 'recently-claimed');
  assert.equal((await rolesOf(index)).filter((role) => role.startsWith('project.')).length, 12);
});
