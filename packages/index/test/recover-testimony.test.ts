import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { layOutTestimony, testimonyOfFile } from '../src/recover/testimony.ts';
import { Worktable } from '../src/recover/worktable.ts';
import { temporaryDirectory } from './support/tools.ts';

const SHA256 = 'ab'.repeat(32);

/** Records as a thief leaves them, whose tables have columns of no type. */
async function laidOut(t: TestContext, ...statements: readonly string[]) {
  const directory = await temporaryDirectory(t, 'testimony');
  const path = join(directory, 'records.sqlite');
  const thief = new DatabaseSync(path);
  thief.exec(`create table files (filename, project, sha256, yanked, state, account, uploaded_at);
    create table standings (project, standing); create table offline_roles (role, bytes);
    create table roots (version, bytes); create table publications (id, published_at)`);
  for (const statement of statements) thief.exec(statement);
  thief.close();
  const [testimony, table] = [testimonyOfFile(path), new Worktable(join(directory, 'table.sqlite'))];
  t.after(() => table.close());
  const strange = await layOutTestimony(testimony, table);
  const newest = await testimony.newest();
  testimony.close();
  return { strange, newest, table, said: [...table.said()] };
}

const file = (project: string, filename: string, rest = `'${SHA256}', null, 'published', 'ann', 1`): string =>
  `insert into files (project, filename, sha256, yanked, state, account, uploaded_at) values (${project}, ${filename}, ${rest})`;

test('what no index writes is counted and passed over: names that would reach a terminal, other types, hashes that are none (M12)', async (t) => {
  const { strange, said } = await laidOut(
    t,
    file("'demo'", "'demo-1.0.tar.gz'"),
    file("'demo'", "'../demo-1.0.tar.gz'"),
    file("'demo'", "char(27) || '[2Jdemo.whl'"),
    file("'Demo ' || char(10)", "'demo-2.0.tar.gz'"),
    file("x'ff'", "'demo-3.0.tar.gz'"),
    file("'demo'", '7'),
    file("'demo'", "'demo-4.0.tar.gz'", `'short', null, 'published', 'ann', 1`),
    file("'demo'", "'demo-5.0.tar.gz'", `'${SHA256}', null, 12, 'ann', 1`),
    file("'demo'", "'demo-6.0.tar.gz'", `'${SHA256}', null, 'deleted', 'ann', 1`),
    "insert into standings values ('demo', 'emperor')",
  );
  assert.equal(strange, 8);
  assert.deepEqual(
    said.map(({ project, standing, files }) => [project, standing, ...files.keys()]),
    [['demo', 'unclaimed', 'demo-1.0.tar.gz']],
  );
});

test('numbers that no program holds, and columns of another type, stop nobody from looking (M12)', async (t) => {
  const { newest, table, said } = await laidOut(
    t,
    file("'demo'", "'demo-1.0.tar.gz'", `'${SHA256}', 12, 'published', x'00', ${2n ** 62n}`),
    `insert into publications values (${2n ** 62n}, 1), (5, 1), (9, null)`,
    `insert into roots values (${2n ** 62n}, x'01'), ('one', x'02'), (3, x'03'), (4, 'text')`,
    "insert into offline_roles values ('targets', 'text'), ('claimed', x'04'), (7, x'05')",
    "insert into standings values ('gone', 'claimed')",
  );
  assert.equal(newest, 5);
  assert.deepEqual(
    said.map(({ project, standing, files }) => ({ project, standing, files: [...files.values()] })),
    [
      { project: 'demo', standing: 'unclaimed', files: [{ sha256: SHA256, yanked: null }] },
      { project: 'gone', standing: 'claimed', files: [] },
    ],
  );
  assert.deepEqual(
    [3, 4, 1].map((version) => table.keptRoot(version)?.length),
    [1, undefined, undefined],
  );
  assert.deepEqual(
    ['claimed', 'targets'].map((role) => table.kept(role)?.length),
    [1, undefined],
  );
});
