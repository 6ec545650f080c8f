import assert from 'node:assert/strict';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { rotationRole } from '@holdfast/trust';
import { VersionTakenError } from '../src/errors.ts';
import { loadProject } from '../src/transactions/project-record.ts';
import { check } from '../src/transactions/judge.ts';
import { queueTransaction } from '../src/transactions/queue.ts';
import { clientOf, listed, newFile, objectKey, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';
import {
  ANN,
  claim,
  makeClaimsIndex,
  makeDeveloper,
  openClaimsIndex,
  rolesOf,
  rotation,
  signRole,
  stageFile,
  standingOf,
  statesOf,
  submit,
} from './support/claims.ts';

const name = (project: string, version: string): string => newFile(project, version).filename;

test('a claim moves a project from the index to its developers in one publication, and no other project with it (M5)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t);
  for (const version of ['1.0', '2.0']) await uploadBare(index, 'mine', version);
  await uploadBare(index, 'other', '1.0');
  await stageFile(index, 'mine', '3.0');
  await stageFile(index, 'mine', '4.0');
  const before = clientOf(made);
  await before.refresh();
  const { newest } = await newestOf(index);
  await claim(index, 'mine', developer, [name('mine', '2.0'), name('mine', '3.0')]);
  assert.equal((await newestOf(index)).newest, newest + 1, 'one publication');

  assert.deepEqual([...(await verifiedFiles(made, 'mine')).keys()], [name('mine', '2.0'), name('mine', '3.0')]);
  assert.deepEqual([...(await verifiedFiles(made, 'other')).keys()], [name('other', '1.0')]);
  await before.refresh();
  assert.equal((await listed(before, 'mine')).size, 2, 'who looked before the claim follows it');
  assert.deepEqual(await statesOf(index, 'mine'), {
    [name('mine', '1.0')]: 'deleted',
    [name('mine', '2.0')]: 'published',
    [name('mine', '3.0')]: 'published',
    [name('mine', '4.0')]: 'staged',
  });
  await assert.rejects(access(join(made.directory, 'objects', objectKey(newFile('mine', '1.0')))), 'P12');
  assert.deepEqual(await rolesOf(index), ['claimed', 'project.mine', 'recently-claimed']);
  const [unclaimed] = [Buffer.from((await index.metadata.newest('unclaimed')) ?? []).toString()];
  assert.ok(unclaimed.includes('other-1.0') && !unclaimed.includes('mine'), 'the index says nothing of it any more');
  const page = await index.catalog.projectPage(normalizeName('mine'));
  assert.deepEqual(page?.files.map(({ filename }) => filename).sort(), [name('mine', '2.0'), name('mine', '3.0')]);
});

test('what a next version lists, yanks and leaves out is published, yanked and deleted (M5)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t);
  for (const version of ['1.0', '2.0', '3.0']) await stageFile(index, 'mine', version);
  await claim(index, 'mine', developer, [name('mine', '1.0'), name('mine', '2.0')]);
  const files = [name('mine', '2.0'), name('mine', '3.0')];
  const yanked = [name('mine', '2.0')];
  const next = await signRole(index, 'project.mine', files, [developer], { yanked });
  await submit(index, 'mine', { roles: new Map([['project.mine', next]]) });
  const two = newFile('mine', '2.0');
  const shown = await verifiedFiles(made, 'mine');
  assert.deepEqual(Object.fromEntries(shown), {
    [two.filename]: `${two.sha256}!`,
    [name('mine', '3.0')]: newFile('mine', '3.0').sha256,
  });
  assert.equal((await statesOf(index, 'mine'))[name('mine', '1.0')], 'deleted');
  const row = await index.records.read
    .selectFrom('files')
    .select('yanked')
    .where('filename', '=', two.filename)
    .executeTakeFirst();
  assert.equal(row?.yanked, '');
  const roles = new Map([['project.mine', await signRole(index, 'project.mine', files, [developer])]]);
  await submit(index, 'mine', { roles });
  assert.equal((await verifiedFiles(made, 'mine')).get(two.filename), two.sha256, 'not yanked any more');
});

test('other keys of a project claimed lately stand in its delegation at once; revoked ones are believed by nobody, until it is claimed anew (M9)', async (t) => {
  const made = await makeClaimsIndex(t);
  const index = await openBare(made.directory);
  const [first, second, third] = [await makeDeveloper(index), await makeDeveloper(index), await makeDeveloper(index)];
  await stageFile(index, 'mine', '1.0');
  await stageFile(index, 'mine', '2.0');
  await claim(index, 'mine', first, [name('mine', '1.0')]);
  const role = 'project.mine';
  const roles = new Map([[role, await signRole(index, role, [name('mine', '1.0'), name('mine', '2.0')], [second])]]);
  await submit(index, 'mine', { roles, rotation: await rotation(role, 1, [second], [first]) });
  assert.equal((await verifiedFiles(made, 'mine')).size, 2);
  assert.deepEqual(await rolesOf(index), ['claimed', role, 'recently-claimed']);
  assert.deepEqual(await standingOf(index, 'mine'), {
    standing: 'recently-claimed',
    role,
    rotations: 0,
    generation: 1,
  });

  await submit(index, 'mine', { roles: new Map(), rotation: await rotation(role, 1, [], [second]) });
  assert.ok((await rolesOf(index)).includes(rotationRole(role, 1)));
  await assert.rejects(verifiedFiles(made, 'mine'), { name: 'RoleRevokedError' });
  const kinds = await index.records.read.selectFrom('evidence').select('kind').orderBy('id').execute();
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ['claim', 'rotation', 'revocation'],
  );
  await claim(index, 'mine', third, [name('mine', '2.0')], 2);
  assert.deepEqual([...(await verifiedFiles(made, 'mine')).keys()], [name('mine', '2.0')]);
});

test('of one project one transaction waits at a time, and none that was checked against something else', async (t) => {
  const { index, developer } = await openClaimsIndex(t);
  const project = normalizeName('mine');
  await stageFile(index, 'mine', '1.0');
  await claim(index, 'mine', developer, [name('mine', '1.0')]);
  // It changes no file: only its own place in the queue can keep the other out.
  const version = await signRole(index, 'project.mine', [name('mine', '1.0')], [developer]);
  const record = await loadProject(index.records.read, project);
  const checked = await check(record, { roles: new Map([['project.mine', version]]) }, new Date());
  const meta = { project, ...ANN, now: new Date(), base: record.base };
  await assert.rejects(
    index.records.write(async (db) => {
      await queueTransaction(db, checked, meta);
      await queueTransaction(db, checked, meta);
    }),
    VersionTakenError,
  );
  const queued = await index.records.read
    .selectFrom('transactions')
    .selectAll()
    .where('state', '=', 'queued')
    .execute();
  assert.deepEqual(queued, [], 'nothing is left of either');
  await submit(index, 'mine', { roles: new Map([['project.mine', version]]) });
  await assert.rejects(
    index.records.write((db) => queueTransaction(db, checked, meta)),
    VersionTakenError,
  );
});

test('a tree of many claimed projects splits, and every project is found through it (M8, P3)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t);
  const names = Array.from({ length: 120 }, (_, i) => `many-${i}`);
  await Promise.all(names.map((project) => uploadBare(index, project, '1.0')));
  await Promise.all(names.map((project) => claim(index, project, developer, [name(project, '1.0')])));
  const branches = (await rolesOf(index)).filter((role) => role.startsWith('recently-claimed.'));
  assert.ok(branches.length >= 8, `${branches.length} roles below the top`);
  const client = clientOf(made);
  await client.refresh();
  for (const project of names) assert.deepEqual([...(await listed(client, project)).keys()], [name(project, '1.0')]);
  assert.deepEqual(await unclaimedTargets(index), 0);
});

async function unclaimedTargets(index: Awaited<ReturnType<typeof openBare>>): Promise<number> {
  return (
    Buffer.from((await index.metadata.newest('unclaimed')) ?? [])
      .toString()
      .match(/upload-time/g) ?? []
  ).length;
}

async function newestOf(index: Awaited<ReturnType<typeof openBare>>): Promise<{ newest: number }> {
  const row = await index.records.read.selectFrom('publications').select('id').orderBy('id', 'desc').executeTakeFirst();
  return { newest: row?.id ?? 0 };
}

test('a damaged role of a project, or rotate file, is put again from the records as it was signed (M8)', async (t) => {
  const made = await makeClaimsIndex(t);
  let index = await openBare(made.directory);
  const developer = await makeDeveloper(index);
  for (const project of ['mine', 'revoked']) {
    await stageFile(index, project, '1.0');
    await claim(index, project, developer, [name(project, '1.0')]);
  }
  const role = 'project.revoked';
  await submit(index, 'revoked', { roles: new Map(), rotation: await rotation(role, 1, [], [developer]) });
  await index.close();
  const metadata = join(made.directory, 'objects/metadata');
  const signed = await readFile(join(metadata, '1.project.mine.json'));
  await rm(join(metadata, '1.project.mine.json'));
  await writeFile(join(metadata, `${rotationRole(role, 1)}.json`), '{}');
  await writeFile(join(metadata, '1.claimed.json'), '');
  index = await openBare(made.directory);
  assert.deepEqual(await readFile(join(metadata, '1.project.mine.json')), signed);
  assert.equal((await verifiedFiles(made, 'mine')).size, 1);
  await assert.rejects(verifiedFiles(made, 'revoked'), { name: 'RoleRevokedError' });
});
