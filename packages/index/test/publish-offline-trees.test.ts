import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type Distribution, type ProjectDelegation, rotationRole, type SecurityModel } from '@holdfast/trust';
import { parseSnapshot, rotationMeta } from '@holdfast/tuf';
import { MetadataRefusedError, type OpenIndex } from '../src/index.ts';
import { distributionOf } from '../src/publish/file-rows.ts';
import type { OfflineOffer } from '../src/publish/offline.ts';
import { clientOf, listed, newFile, uploadBare, verifiedFiles } from './support/bare-index.ts';
import {
  claim,
  type ClaimsIndex,
  delegationTo,
  makeDeveloper,
  makeModelTargets,
  type OfflineTrees,
  openClaimsIndex,
  rolesOf,
  rotation,
  signRole,
  signTrees,
  stageFile,
  standingOf,
  statesOf,
  submit,
} from './support/claims.ts';

const name = (project: string, version: string): string => newFile(project, version).filename;

async function sign(made: ClaimsIndex, index: OpenIndex, trees: OfflineTrees, more: OfflineOffer = {}): Promise<void> {
  const signed = await signTrees(made, trees, index);
  await index.importOffline({
    ...more,
    roles: new Map([...signed.roles, ...(more.roles ?? [])]),
    retired: [...signed.retired, ...(more.retired ?? [])],
  });
}

async function changesModel(
  made: ClaimsIndex,
  index: OpenIndex,
  model: SecurityModel,
  version: number,
  trees: OfflineTrees,
): Promise<void> {
  await sign(made, index, trees, { targets: await makeModelTargets(made, model, version) });
}

/** What the index shows of these files, as the holders of offline keys would list it. */
async function filesOf(index: OpenIndex, projects: readonly string[]): Promise<Distribution[]> {
  const rows = await index.records.read
    .selectFrom('files')
    .selectAll()
    .where('project', 'in', projects)
    .where('state', 'in', ['published', 'staged'])
    .execute();
  return rows.map(distributionOf);
}

async function shown(made: ClaimsIndex, project: string): Promise<string[]> {
  return [...(await verifiedFiles(made, project)).keys()];
}

async function refused(index: OpenIndex, offer: OfflineOffer, reason: RegExp): Promise<void> {
  await assert.rejects(index.importOffline(offer), (error) => {
    assert.ok(error instanceof MetadataRefusedError, String(error));
    assert.match(error.message, reason);
    return true;
  });
}

test('what operators confirm moves from the online tree to the offline one, and its keys change by rotate files from then on (M9, D8)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t);
  const second = await makeDeveloper(index);
  for (const version of ['1.0', '2.0']) await stageFile(index, 'mine', version);
  await claim(index, 'mine', developer, [name('mine', '1.0')]);
  const client = clientOf(made);
  await client.refresh();
  await sign(made, index, { claimed: [delegationTo('mine', developer)] });
  const role = 'project.mine';
  assert.deepEqual(await standingOf(index, 'mine'), { standing: 'claimed', role, rotations: 0, generation: 1 });
  assert.ok(
    !Buffer.from((await index.metadata.newest('recently-claimed')) ?? [])
      .toString()
      .includes('mine'),
  );
  assert.deepEqual(await shown(made, 'mine'), [name('mine', '1.0')]);
  await client.refresh();
  assert.equal((await listed(client, 'mine')).size, 1, 'who looked before follows');

  const roles = new Map([[role, await signRole(index, role, [name('mine', '1.0'), name('mine', '2.0')], [second])]]);
  await submit(index, 'mine', { roles, rotation: await rotation(role, 1, [second], [developer]) });
  assert.deepEqual(await standingOf(index, 'mine'), { standing: 'claimed', role, rotations: 1, generation: 1 });
  assert.ok(
    !Buffer.from((await index.metadata.newest('recently-claimed')) ?? [])
      .toString()
      .includes('mine'),
  );
  assert.equal((await shown(made, 'mine')).length, 2, 'the rotate file is followed');
  const meta = parseSnapshot((await index.metadata.newest('snapshot')) ?? new Uint8Array()).signed.meta;
  const [entry, expected] = await rotationMeta(
    (await index.metadata.newest(rotationRole(role, 1))) ?? new Uint8Array(),
  );
  assert.deepEqual(meta.get(entry), expected, 'no other file that the replaced keys sign can take its place');

  // Folded: the delegation names the new key, and the metadata goes on under a new name.
  const copy = new Map([['project.mine.2', roles.get(role) ?? new Uint8Array()]]);
  const retired = [role, rotationRole(role, 1)];
  await sign(made, index, { claimed: [delegationTo('mine', second, 2)] }, { roles: copy, retired });
  assert.deepEqual(await standingOf(index, 'mine'), {
    standing: 'claimed',
    role: 'project.mine.2',
    rotations: 0,
    generation: 2,
  });
  assert.equal((await shown(made, 'mine')).length, 2);
  await client.refresh();
  assert.equal((await listed(client, 'mine')).size, 2, 'who looked before the rotation follows, too');
  assert.deepEqual(await rolesOf(index), ['claimed', 'project.mine.2', 'recently-claimed']);
  const next = new Map([['project.mine.2', await signRole(index, 'project.mine.2', [name('mine', '2.0')], [second])]]);
  await submit(index, 'mine', { roles: next });
  assert.deepEqual(await shown(made, 'mine'), [name('mine', '2.0')]);

  // Taken out: the index answers for it again, also for what waited.
  await stageFile(index, 'mine', '3.0');
  await sign(made, index, { claimed: [] });
  assert.equal(await standingOf(index, 'mine'), undefined);
  assert.deepEqual(await shown(made, 'mine'), [name('mine', '2.0'), name('mine', '3.0')]);
  assert.deepEqual(await rolesOf(index), ['claimed', 'recently-claimed']);
});

test('a project that is claimed again after its keys changed and it was taken out gets a role of its own, which everyone can read (M9)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t);
  const [second, third] = [await makeDeveloper(index), await makeDeveloper(index)];
  await stageFile(index, 'mine', '1.0');
  await claim(index, 'mine', developer, [name('mine', '1.0')]);
  await sign(made, index, { claimed: [delegationTo('mine', developer)] });
  const role = 'project.mine';
  const roles = new Map([[role, await signRole(index, role, [name('mine', '1.0')], [second])]]);
  await submit(index, 'mine', { roles, rotation: await rotation(role, 1, [second], [developer]) });
  const client = clientOf(made);
  await client.refresh();
  assert.equal((await listed(client, 'mine')).size, 1);
  await sign(made, index, { claimed: [] });
  await claim(index, 'mine', third, [name('mine', '1.0')], 2);
  assert.equal((await shown(made, 'mine')).length, 1);
  await client.refresh();
  assert.equal((await listed(client, 'mine')).size, 1);
  await sign(made, index, { claimed: [] });
  assert.equal(
    (await standingOf(index, 'mine'))?.role,
    'project.mine.2',
    'what is claimed lately is not taken out with that',
  );
});

test('quiet projects are signed offline; a claim of one waits for the next signing, and then decides what is shown (D7)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t, 'maximum');
  for (const project of ['quiet', 'mine', 'busy']) await uploadBare(index, project, '1.0');
  await sign(made, index, { rarelyUpdated: await filesOf(index, ['quiet', 'mine']) });
  for (const project of ['quiet', 'mine', 'busy']) assert.deepEqual(await shown(made, project), [name(project, '1.0')]);
  const unclaimed = Buffer.from((await index.metadata.newest('unclaimed')) ?? []).toString();
  assert.ok(unclaimed.includes('busy') && !unclaimed.includes('quiet'));

  await stageFile(index, 'mine', '2.0');
  await stageFile(index, 'quiet', '2.0');
  await claim(index, 'mine', developer, [name('mine', '2.0')]);
  assert.deepEqual(await shown(made, 'mine'), [name('mine', '1.0')], 'an online key does not undo an offline one');
  assert.equal((await standingOf(index, 'mine'))?.standing, 'rarely-updated');
  const [waits] = await index.records.read.selectFrom('claims_waiting').selectAll().execute();
  assert.equal(waits?.project, 'mine');

  // The claim comes into force; what is quiet gets the file that waited.
  const rarelyUpdated = await filesOf(index, ['quiet']);
  await sign(made, index, { claimed: [delegationTo('mine', developer)], rarelyUpdated });
  assert.deepEqual(await shown(made, 'mine'), [name('mine', '2.0')]);
  assert.deepEqual(await statesOf(index, 'mine'), {
    [name('mine', '1.0')]: 'deleted',
    [name('mine', '2.0')]: 'published',
  });
  assert.deepEqual(await shown(made, 'quiet'), [name('quiet', '1.0'), name('quiet', '2.0')]);
  assert.deepEqual(await index.records.read.selectFrom('claims_waiting').selectAll().execute(), []);

  // It is busy again: the index signs for it.
  await stageFile(index, 'quiet', '3.0');
  await sign(made, index, { rarelyUpdated: [] });
  assert.equal((await shown(made, 'quiet')).length, 3);
  await uploadBare(index, 'quiet', '4.0');
  assert.equal((await shown(made, 'quiet')).length, 4);
});

test('the security model changes in one publication, to maximum and back, and nothing is lost on the way (D4, D13)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t, 'minimum', { massFrom: 5 });
  const names = Array.from({ length: 90 }, (_, i) => `p-${i}`);
  await Promise.all(names.map((project) => uploadBare(index, project, '1.0')));
  const client = clientOf(made);
  const assertAll = async (version: string): Promise<void> => {
    for (const who of [client, clientOf(made)]) {
      await who.refresh();
      for (const project of names) assert.ok((await listed(who, project)).has(name(project, version)), project);
    }
  };
  await assertAll('1.0');
  await changesModel(made, index, 'legacy', 2, { claimed: [] });
  await assertAll('1.0');
  await claim(index, 'p-0', developer, [name('p-0', '1.0')]);
  await changesModel(made, index, 'maximum', 3, { rarelyUpdated: await filesOf(index, names.slice(1)) });
  assert.equal((await standingOf(index, 'p-1'))?.standing, 'rarely-updated');
  assert.equal((await standingOf(index, 'p-0'))?.standing, 'recently-claimed');
  await assertAll('1.0');
  await changesModel(made, index, 'minimum', 4, {});
  assert.deepEqual(await index.records.read.selectFrom('standings').selectAll().execute(), []);
  await assertAll('1.0');
  assert.ok(
    (await rolesOf(index)).every((role) => role.startsWith('unclaimed.')),
    'no other tree is left',
  );
  await uploadBare(index, 'p-0', '2.0');
  assert.equal((await shown(made, 'p-0')).length, 2);
});

test('large offline trees split and shrink, and what an offer does not touch stays as it is (D16)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t, 'maximum', { massFrom: 5 });
  const names = Array.from({ length: 190 }, (_, i) => `many-${i}`);
  await Promise.all(names.map((project) => uploadBare(index, project, '1.0')));
  const [claimedNames, quiet] = [names.slice(0, 70), names.slice(70)];
  await Promise.all(claimedNames.map((project) => claim(index, project, developer, [name(project, '1.0')])));
  const delegations: ProjectDelegation[] = claimedNames.map((project) => delegationTo(project, developer));
  await sign(made, index, { claimed: delegations, rarelyUpdated: await filesOf(index, quiet) });
  const roles = await rolesOf(index);
  for (const top of ['claimed.', 'rarely-updated.'])
    assert.ok(roles.filter((role) => role.startsWith(top)).length > 8, top);
  const client = clientOf(made);
  await client.refresh();
  for (const project of names) assert.deepEqual([...(await listed(client, project)).keys()], [name(project, '1.0')]);
  await sign(made, index, { claimed: delegations.slice(0, 3), rarelyUpdated: await filesOf(index, quiet.slice(0, 3)) });
  await client.refresh();
  for (const project of names) assert.deepEqual([...(await listed(client, project)).keys()], [name(project, '1.0')]);
  assert.ok(!(await rolesOf(index)).some((role) => role.startsWith('claimed.')));
});

test('what does not fit what is published is refused, and changes nothing (M6, D8)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t, 'maximum');
  const stranger = await makeDeveloper(index);
  for (const project of ['quiet', 'mine']) await uploadBare(index, project, '1.0');
  await claim(index, 'mine', developer, [name('mine', '1.0')]);
  const before = await index.records.read.selectFrom('roles').selectAll().orderBy('role').execute();
  const offer = (trees: OfflineTrees, by: Parameters<typeof signTrees>[0] = made) => signTrees(by, trees, index);
  const quiet = await filesOf(index, ['quiet']);

  await refused(index, await offer({ claimed: [delegationTo('mine', stranger)] }), /keys changed/);
  await refused(index, await offer({ claimed: [delegationTo('quiet', developer)] }), /keys changed/);
  await refused(index, await offer({ claimed: [delegationTo('mine', developer, 2)] }), /no metadata|keys changed/);
  await refused(index, await offer({ rarelyUpdated: await filesOf(index, ['mine']) }), /claimed in the meantime/);
  await refused(index, await offer({ claimed: [], rarelyUpdated: quiet }, { offline: stranger }), /./);
  await refused(index, await offer({ rarelyUpdated: [...quiet, ...(await gone(quiet))] }), /no such file/);
  const early = await offer({ rarelyUpdated: quiet });
  await uploadBare(index, 'quiet', '2.0');
  await refused(index, early, /quiet.*in the meantime/);
  const whole = await offer({ rarelyUpdated: await filesOf(index, ['quiet']) });
  await refused(index, { roles: new Map([...whole.roles, ['unclaimed', new Uint8Array()]]) }, /./);
  await refused(index, { ...whole, retired: ['rarely-updated'] }, /comes and leaves/);
  await refused(index, { retired: ['claimed'] }, /not there|leads to it/);
  await refused(index, { retired: ['project.mine'] }, /its project does not/);
  const targets = await makeModelTargets(made, 'legacy', 3);
  await refused(index, { targets }, /version 3/);
  const after = await index.records.read.selectFrom('roles').selectAll().orderBy('role').execute();
  const offline = ({ role }: { role: string }): boolean => !/^(timestamp|snapshot|unclaimed)/.test(role);
  assert.deepEqual(after.filter(offline), before.filter(offline));
  await index.importOffline(whole);
  assert.equal((await shown(made, 'quiet')).length, 2);
});

async function gone(files: readonly Distribution[]): Promise<Distribution[]> {
  return files.map((file) => ({ ...file, project: normalizeName('quiet'), filename: name('quiet', '9.0') }));
}
