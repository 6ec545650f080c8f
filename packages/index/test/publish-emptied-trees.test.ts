import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { OpenIndex, OpenOptions } from '../src/index.ts';
import { distributionOf } from '../src/publish/file-rows.ts';
import { clientOf, listed, newFile, uploadBare } from './support/bare-index.ts';
import { claim, type ClaimsIndex, delegationTo, openClaimsIndex, rolesOf, signTrees } from './support/claims.ts';

const DAY_MS = 86_400_000;
const projects = Array.from({ length: 190 }, (_, i) => `many-${i}`);
const [claimed, quiet] = [projects.slice(0, 100), projects.slice(100)];

/** An index whose online trees have branches, and whose projects then all go to the offline ones. */
async function emptied(
  t: TestContext,
  options: Partial<OpenOptions>,
): Promise<{ made: ClaimsIndex; index: OpenIndex }> {
  const { made, index, developer } = await openClaimsIndex(t, 'maximum', options);
  await Promise.all(projects.map((project) => uploadBare(index, project, '1.0')));
  assert.ok((await inTree(index, 'unclaimed')) > 8);
  await Promise.all(claimed.map((project) => claim(index, project, developer, [newFile(project, '1.0').filename])));
  assert.ok((await inTree(index, 'recently-claimed')) > 8);
  const rows = await index.records.read.selectFrom('files').selectAll().where('project', 'in', quiet).execute();
  const delegations = claimed.map((project) => delegationTo(project, developer));
  const trees = { claimed: delegations, rarelyUpdated: rows.map(distributionOf) };
  await index.importOffline(await signTrees(made, trees, index));
  return { made, index };
}

/** Roles of a tree but its top. */
async function inTree(index: OpenIndex, top: string): Promise<number> {
  return (await rolesOf(index)).filter((role) => role.startsWith(`${top}.`)).length;
}

async function assertAllShown(made: ClaimsIndex, clock?: () => Date): Promise<void> {
  const client = clientOf(made, clock);
  await client.refresh();
  for (const project of projects) assert.equal((await listed(client, project)).size, 1, project);
}

test('a tree that an offline signing empties is merged in the same publication (D16)', async (t) => {
  const { made, index } = await emptied(t, {});
  for (const top of ['unclaimed', 'recently-claimed']) assert.equal(await inTree(index, top), 0, top);
  await assertAllShown(made);
});

test('one that very many projects left, so that each leaf was signed by itself, is merged when its leaves are renewed (D16)', async (t) => {
  let now = Date.now();
  const clock = (): Date => new Date(now);
  const { made, index } = await emptied(t, { massFrom: 5, clock });
  assert.ok((await inTree(index, 'unclaimed')) > 8, 'nothing has merged it yet');
  now += 85 * DAY_MS;
  await index.catchUp();
  for (const top of ['unclaimed', 'recently-claimed']) assert.equal(await inTree(index, top), 0, top);
  await assertAllShown(made, clock);
});
