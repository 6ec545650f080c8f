import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { writeKeyFile } from '@holdfast/tuf/node';
import { targetKey } from '../../index/src/import/store-file.ts';
import { type OpenIndex, openIndex, startServer } from '../../index/src/index.ts';
import { distributionOf } from '../../index/src/publish/file-rows.ts';
import { delegationTo, signTrees } from '../../index/test/support/claims.ts';
import {
  claimed,
  type Developer,
  makeDeveloper,
  send,
  signRelease,
  stage,
} from '../../index/test/support/developer.ts';
import { PASSPHRASE, serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { upload } from '../../index/test/support/upload.ts';
import { type Distribution, makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, holdfast } from '../../holdfast/test/holdfast.ts';
import { EvilMirror, stealAndForge } from '../src/index.ts';
import { User } from './user.ts';

/** The drill of docs/guides/recovery.md: everything online is stolen and poisoned, and the operators' commands bring it back (P18, M12). */
const BULLETIN = 'Our online keys were stolen. Everything that you can install was checked.';

function wheel(name: string, version: string): Distribution {
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n\nA demo.\n`;
  return makeWheel({ name, version, metadata });
}
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes);
const keyOf = (file: Distribution, name: string): string =>
  targetKey({ project: normalizeName(name), filename: file.filename, sha256: sha256(file.bytes) });

async function uploaded(served: ServedIndexUnderTest, file: Distribution): Promise<void> {
  const answer = await upload(served, file);
  assert.equal(answer.status, 200, await answer.text());
}

async function signOffline(served: ServedIndexUnderTest, developer: Developer, names: readonly string[]) {
  const rows = await served.index.records.read.selectFrom('files').selectAll().where('project', '=', 'quiet').execute();
  const trees = {
    claimed: names.map((name) => delegationTo(name, developer.signer)),
    rarelyUpdated: rows.map(distributionOf),
  };
  await served.index.importOffline(await signTrees(served, trees, served.index));
}

/** Projects of each standing. */
async function populate(served: ServedIndexUnderTest): Promise<Developer> {
  const developer = await makeDeveloper(served, 'ben');
  for (const name of ['settled', 'recent', 'moved']) await claimed(served, developer, name, [wheel(name, '1.0')]);
  for (const name of ['quiet', 'plain', 'gone', 'swapped']) await uploaded(served, wheel(name, '1.0'));
  await signOffline(served, developer, ['settled']);
  return developer;
}

/** What honest people do after the backup, before anybody notices. */
async function lifeGoesOn(served: ServedIndexUnderTest, developer: Developer): Promise<void> {
  for (const name of ['settled', 'recent']) {
    const project = { name: normalizeName(name), role: `project.${name}` };
    await stage(served, developer, wheel(name, '2.0'));
    const metadata = await signRelease(served, project, [developer.signer]);
    const told = await send(served, developer, project, { roles: new Map([[project.role, metadata]]) });
    assert.equal(told.status, 200, JSON.stringify(told.body));
  }
  await signOffline(served, developer, ['settled', 'moved']);
  await uploaded(served, wheel('plain', '2.0'));
  await uploaded(served, wheel('newborn', '1.0'));
  await claimed(served, developer, 'claimed-since', [wheel('claimed-since', '1.0')]);
}

/** Everything that a thief on the machine can change. */
async function poison(directory: string): Promise<void> {
  const records = new DatabaseSync(join(directory, 'records.sqlite'));
  const objects = join(directory, 'objects');
  const forged = wheel('plain', '6.6.6');
  const columns = `project, bin, version, kind, size, metadata_sha256, metadata_size, requires_python, yanked, uploaded_at, account, location`;
  records.exec('pragma foreign_keys = off');
  records
    .prepare(
      `insert into files (filename, sha256, state, ${columns}) select ?, ?, 'published', ${columns} from files where filename = ?`,
    )
    .run(forged.filename, sha256(forged.bytes), wheel('plain', '1.0').filename);
  await mkdir(dirname(join(objects, keyOf(forged, 'plain'))), { recursive: true });
  await writeFile(join(objects, keyOf(forged, 'plain')), forged.bytes);
  const swapped = wheel('swapped', '1.0');
  records.prepare('update files set sha256 = ? where filename = ?').run('66'.repeat(32), swapped.filename);
  await writeFile(join(objects, keyOf(swapped, 'swapped')), 'other bytes');
  records.prepare("update files set state = 'deleted' where project = 'gone'").run();
  await rm(join(objects, keyOf(wheel('gone', '1.0'), 'gone')));
  records
    .prepare(`insert into standings select 'plain', bin, standing, 'project.plain', keys, threshold, rotations, generation, since, account, revoked_at
      from standings where project = 'recent'`)
    .run();
  // Of what others signed, too: the developers' role, the tree of the offline keys, their standing.
  records.prepare("update offline_roles set bytes = ? where role = 'project.settled'").run(Buffer.from('{}'));
  records.prepare("delete from offline_roles where role = 'rarely-updated'").run();
  records.prepare("update standings set standing = 'recently-claimed' where project = 'settled'").run();
  records.prepare("delete from files where project = 'settled' and version = '1.0'").run();
  records.close();
}

interface Stage {
  readonly served: ServedIndexUnderTest;
  readonly mirror: EvilMirror;
  readonly directory: string;
  newUser(): Promise<User>;
  run(...args: readonly string[]): Promise<Ended>;
}

async function setUp(t: TestContext): Promise<Stage> {
  const served = await serveIndex(t, {}, { model: 'maximum' });
  const mirror = await EvilMirror.start(served.url);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-drill-'));
  t.after(async () => {
    await mirror.close();
    await rm(directory, { recursive: true, force: true });
  });
  const newUser = async () => User.make(await mkdtemp(join(directory, 'user-')), [mirror.url], served.root);
  const run = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await holdfast(directory, args, { HOLDFAST_PASSPHRASE: PASSPHRASE });
    assert.equal(ended.code, 0, `${args.join(' ')}\n${ended.out}${ended.err}`);
    return ended;
  };
  return { served, mirror, directory, newUser, run };
}

/** Serves it again, at the same address. */
async function serveAgain(t: TestContext, { served }: Stage): Promise<OpenIndex> {
  const index = await openIndex(served.directory, { passphrase: PASSPHRASE });
  const server = await startServer(index, { host: '127.0.0.1', port: Number(new URL(served.url).port), closeMs: 500 });
  t.after(async () => {
    await server.close();
    await index.close();
  });
  return index;
}

test('everything online is stolen and poisoned; the operators recover by commands alone, and nobody was ever sold a claimed project (P18, M12)', async (t) => {
  const scene = await setUp(t);
  const { served, mirror, directory, newUser, run } = scene;
  const developer = await populate(served);
  await run('backup', served.directory, 'backup');
  const { timestampVersion: good } = JSON.parse(await readFile(join(directory, 'backup/backup.json'), 'utf8')) as {
    timestampVersion: number;
  };
  await lifeGoesOn(served, developer);

  const old = await newUser();
  assert.deepEqual((await old.install('plain')).installed, ['plain 2.0']);
  const theft = await stealAndForge(served.directory, PASSPHRASE, wheel('plain', '6.6.6'));
  mirror.attack = theft.attack;
  assert.deepEqual((await old.install('plain')).installed, ['plain 6.6.6'], 'unclaimed: what an online key is worth');
  assert.deepEqual((await old.install('settled')).installed, ['settled 2.0'], 'claimed: never at risk');
  assert.deepEqual((await (await newUser()).install('quiet')).installed, ['quiet 1.0'], 'nor what is rarely updated');
  mirror.attack = (_path, honest) => honest();
  assert.notEqual((await old.install('plain')).code, 0, 'fast-forwarded: the honest index looks old');
  await served.close();
  await poison(served.directory);

  const begun = performance.now();
  await writeFile(
    join(directory, 'checked'),
    `${sha256(wheel('newborn', '1.0').bytes)}  ${wheel('newborn', '1.0').filename}\n`,
  );
  const asked = [served.directory, '--since', String(good), '--backup', 'backup', '--keep', 'checked'];
  const before = await readFile(join(served.directory, 'records.sqlite'));
  const plan = await run('admin', 'recover', ...asked, '--report', 'report.json');
  assert.deepEqual(await readFile(join(served.directory, 'records.sqlite')), before, 'nothing is changed');
  assert.match(plan.err, /Nothing was changed/);
  for (const line of [
    /plain: unclaimed → recently-claimed, becomes unclaimed/,
    /- discarded added +[0-9a-f]{64} {2}plain-2\.0/,
    /- discarded added +[0-9a-f]{64} {2}plain-6\.6\.6/,
    /\+ restored +changed +[0-9a-f]{64} {2}swapped-1\.0/,
    /\+ restored +deleted +[0-9a-f]{64} {2}gone-1\.0/,
    / {2}kept +added +[0-9a-f]{64} {2}newborn-1\.0/,
    / {2}kept +added +[0-9a-f]{64} {2}settled-2\.0/,
    /claimed-since: none → recently-claimed, becomes none/,
  ])
    assert.match(plan.out, line);
  const done = await run('admin', 'recover', ...asked, '--bulletin', BULLETIN, '--export', 'to-sign', '--apply');
  assert.match(done.out, /Objects: \d+ good, 2 copied from the backup, 0 missing/);
  await writeKeyFile(join(directory, 'offline.json'), served.offline, undefined);
  await writeFile(join(directory, 'root.json'), served.root);
  const review = await run('admin', 'review', 'to-sign', '--root', 'root.json');
  assert.match(review.out, /Our online keys were stolen/);
  const signed = (await run('admin', 'sign', 'to-sign', '--key', 'offline.json', '--root', 'root.json')).out.trim();
  await run('admin', 'import', served.directory, 'to-sign', signed);
  const index = await serveAgain(t, scene);
  t.diagnostic(
    `time to recover: ${((performance.now() - begun) / 1000).toFixed(1)} s, from the first command to serving`,
  );

  const fresh = await newUser();
  const expected = {
    plain: '1.0',
    gone: '1.0',
    swapped: '1.0',
    quiet: '1.0',
    newborn: '1.0',
    recent: '2.0',
    moved: '1.0',
    settled: '2.0',
  };
  const all = Object.entries(expected);
  for (const [user, found] of [
    [old, all.filter(([name]) => ['plain', 'swapped', 'newborn', 'settled'].includes(name))],
    [fresh, all.filter(([name]) => !['swapped', 'newborn'].includes(name))],
  ] as const) {
    let told = 0;
    for (const [name, version] of found) {
      const { installed, said, tool } = await user.install(name);
      assert.deepEqual(installed, [`${name} ${version}`], `${said}${tool}`);
      if (said.includes(BULLETIN)) told += 1;
    }
    assert.equal(told, 1, 'the bulletin is shown once');
    assert.notEqual((await user.install('claimed-since')).code, 0);
  }

  await t.test('the stolen keys are worth nothing to anyone who has been here since', async () => {
    mirror.attack = theft.attack;
    for (const user of [old, fresh]) {
      const { code, installed } = await user.install('plain');
      assert.notEqual(code, 0);
      assert.deepEqual(installed, []);
    }
    mirror.attack = (_path, honest) => honest();
  });

  await t.test('every project stands where it stood, or where it was signed to be; tokens are revoked', async () => {
    const rows = await index.records.read.selectFrom('standings').select(['project', 'standing', 'role']).execute();
    assert.deepEqual(rows.map(({ project, standing, role }) => `${project} ${standing} ${role}`).sort(), [
      'moved claimed project.moved',
      'quiet rarely-updated null',
      'recent recently-claimed project.recent',
      'settled claimed project.settled',
    ]);
    const good = await index.records.read.selectFrom('tokens').selectAll().where('revoked_at', 'is', null).execute();
    assert.deepEqual(good, []);
    assert.equal((await upload(served, wheel('plain', '3.0'))).status, 403);
    assert.ok((await readdir(served.directory)).some((name) => name.startsWith('stolen-')));
  });

  await t.test('and life goes on: uploads and releases of developers follow', async () => {
    const { token } = await index.accounts.createToken({ account: 'ann', label: 'after' });
    const again = { ...served, index, token };
    await uploaded(again, wheel('plain', '3.0'));
    assert.deepEqual((await old.install('plain')).installed, ['plain 3.0']);
  });
});
