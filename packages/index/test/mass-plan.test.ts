import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type BinRole, binPrefix, DIGITS, projectBin, UNCLAIMED } from '@holdfast/trust';
import type { OpenIndex } from '../src/index.ts';
import { binNumber, unclaimedInRange } from '../src/publish/file-rows.ts';
import { type MassPlan, type MassUnit, planMass } from '../src/publish/mass-plan.ts';
import { massSource } from '../src/publish/mass-source.ts';
import { RoleTable } from '../src/publish/role-table.ts';
import { clientOf, listed, makeIndex, newFile, openBare } from './support/bare-index.ts';

/** More than fit a leaf of several bins, and few enough that branches and large projects are units of their own. */
const UNIT_FILES = 200;

/** As an import writes them: files that wait for their first publication. */
async function addImported({ records }: OpenIndex, project: string, count: number): Promise<void> {
  const like = await records.read.selectFrom('files').selectAll().limit(1).executeTakeFirstOrThrow();
  const rows = Array.from({ length: count }, (_, i) => {
    const file = newFile(project, `9.${i}`);
    const bin = binNumber(projectBin(file.project));
    const { filename, sha256, size, version } = file;
    return { ...like, project: file.project, bin, filename, sha256, size, version, state: 'imported' as const };
  });
  await records.write(async (db) => {
    const owner = { name: normalizeName(project) };
    const known = await db.selectFrom('projects').selectAll().where('name', '=', owner.name).executeTakeFirst();
    const { name: _, ...facts } = await db.selectFrom('projects').selectAll().limit(1).executeTakeFirstOrThrow();
    if (!known)
      await db
        .insertInto('projects')
        .values({ ...facts, ...owner, display_name: project })
        .execute();
    for (let at = 0; at < rows.length; at += 50)
      await db
        .insertInto('files')
        .values(rows.slice(at, at + 50))
        .execute();
  });
}

async function unitsOf(plan: MassPlan): Promise<MassUnit[]> {
  const units: MassUnit[] = [];
  for await (const unit of planMass(plan)) units.push(unit);
  return units;
}

const told = (roles: readonly BinRole[]) =>
  roles.map((role) => [
    role.prefix,
    'targets' in role ? [...role.targets.keys()].sort() : 'digits' in role && role.digits,
  ]);

/** What the plan makes of the tree holds every file in the leaf that the branches lead to, and no role twice or for nobody. */
async function assertWhole(index: OpenIndex, table: RoleTable, units: readonly MassUnit[]): Promise<void> {
  const planned = new Map(units.flatMap(({ roles }) => roles.map((role) => [role.prefix, role] as const)));
  assert.equal(planned.size, units.flatMap(({ roles }) => roles).length, 'each role once');
  const there = (prefix: string): boolean => planned.has(prefix) || table.hasBin(UNCLAIMED, prefix);
  for (const [prefix, role] of planned) {
    const children = Array.from(DIGITS).filter((digit) => there(prefix + digit));
    assert.equal('digits' in role ? role.digits : '', children.join(''), `children of ${prefix}`);
    const parent = planned.get(prefix.slice(0, -1));
    if (prefix !== '' && !table.hasBin(UNCLAIMED, prefix))
      assert.ok(parent && 'digits' in parent, `what leads to ${prefix}`);
    if ('targets' in role && !table.hasBin(UNCLAIMED, prefix)) assert.ok(role.targets.size > 0, `${prefix} is empty`);
  }
  for (const row of await unclaimedInRange(index.records.read, '', { states: ['imported'] })) {
    const bin = row.bin.toString(16).padStart(6, '0');
    let prefix = '';
    for (
      let role = planned.get('');
      role ? 'digits' in role : table.isBranch(UNCLAIMED, prefix);
      role = planned.get(prefix)
    )
      prefix = bin.slice(0, prefix.length + 1);
    const leaf = planned.get(prefix);
    assert.ok(leaf && 'targets' in leaf && [...leaf.targets.keys()].some((path) => path.endsWith(row.filename)), bin);
  }
}

test('an import into an existing tree adds the children that are missing, each branch once, and goes on anywhere with the same plan (M8, D14)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  // Few projects with many files: a tree with many missing children. One is larger than a unit, and gets a role of its own.
  const before = Array.from({ length: 12 }, (_, i) => `old-${i}`);
  const published = before.flatMap((name) => Array.from({ length: 40 }, (_, i) => newFile(name, `1.${i}`)));
  await Promise.all(published.map((file) => index.publisher.publish(file)));
  for (let i = 0; i < 150; i++) await addImported(index, `new-${i}`, 1 + (i % 5) * 3);
  await addImported(index, 'huge', 450);
  await addImported(index, 'old-3', 30);
  const table = await RoleTable.load(index.records);
  assert.ok(table.isBranch(UNCLAIMED, ''));
  for (const everything of [false, true]) {
    const source = massSource(index.records.read, UNCLAIMED);
    const plan = { top: UNCLAIMED, source, table, everything, unitFiles: UNIT_FILES } as const;
    const units = await unitsOf({ ...plan, from: 0 });
    assert.ok(units.length > 10, `${units.length} units`);
    await assertWhole(index, table, units);
    if (everything) {
      const all = new Set(units.flatMap(({ roles }) => roles.map(({ prefix }) => prefix)));
      for (const { role } of table.entries()) assert.ok(all.has(binPrefix(UNCLAIMED, role) ?? ''), role);
    }
    for (const [at, { nextBin }] of units.entries()) {
      const rest = await unitsOf({ ...plan, from: nextBin });
      assert.deepEqual(
        rest.map(({ roles }) => told(roles)),
        units.slice(at + 1).map(({ roles }) => told(roles)),
        `from ${nextBin.toString(16)}`,
      );
    }
  }
  await index.publishImported();
  const client = clientOf(made);
  await client.refresh();
  for (let i = 0; i < 150; i++) assert.equal((await listed(client, `new-${i}`)).size, 1 + (i % 5) * 3);
  assert.equal((await listed(client, 'huge')).size, 450);
  assert.equal((await listed(client, 'old-3')).size, 70);
  assert.equal((await listed(client, 'old-4')).size, 40);
});
