import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  backupIndex,
  compareWithBackup,
  type OpenIndex,
  openIndex,
  planRecover,
  type ProjectReport,
  type RecoveredObject,
  recoverIndex,
  restoreIndex,
  startServer,
} from '../src/index.ts';
import { copyRecords } from '../src/migrate/copy-records.ts';
import { openRecords } from '../src/stores.ts';
import { newFile, objectKey, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';
import {
  claim,
  type ClaimsIndex,
  delegationTo,
  makeClaimsIndex,
  makeDeveloper,
  signRole,
  signTrees,
  stageFile,
  standingOf,
  statesOf,
  submit,
} from './support/claims.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const { postgres, makeStores } = await startDistributed();

const [one, two] = ['1.0', '2.0'].map((version) => newFile('demo', version));
const [django1, django2] = ['1.0', '2.0'].map((version) => newFile('django', version).filename);
assert.ok(one && two && django1 !== undefined && django2 !== undefined);

interface Scene {
  readonly made: ClaimsIndex;
  readonly signer: OpenIndex;
  /** The directory that the objects of the bucket are in. */
  readonly bucket: string;
  readonly backup: string;
  /** What a client reads. */
  readonly view: { readonly directory: string; readonly root: Uint8Array };
  /** The directory of another machine, with the keys of the first. */
  readonly machine: string;
}

/** An index in PostgreSQL and S3 with a claimed project and one that nobody claimed; what came after its backup, too. */
async function makeScene(t: TestContext, name: string): Promise<Scene> {
  const { stores, bucket } = await makeStores(name);
  const made = await makeClaimsIndex(t, 'maximum', stores);
  const place = await temporaryDirectory(t, 'recover');
  const [machine, view, backup] = ['machine', 'view', 'backup'].map((name) => join(place, name));
  assert.ok(machine !== undefined && view !== undefined && backup !== undefined);
  await mkdir(view);
  await symlink(bucket, join(view, 'objects'));
  await cp(made.directory, machine, { recursive: true, filter: (path) => !path.endsWith('.lock') });
  const signer = await openBare(made.directory);
  const developer = await makeDeveloper(signer);
  await claim(signer, 'django', developer, [await stageFile(signer, 'django', '1.0')]);
  await uploadBare(signer, 'demo', '1.0');
  await signer.importOffline(await signTrees(made, { claimed: [delegationTo('django', developer)] }, signer));
  await backupIndex(made.directory, backup);
  await uploadBare(signer, 'demo', '2.0');
  const role = 'project.django';
  const files = [django1 ?? '', await stageFile(signer, 'django', '2.0')];
  await submit(signer, 'django', { roles: new Map([[role, await signRole(signer, role, files, [developer])]]) });
  return { made, signer, bucket, backup, machine, view: { directory: view, root: made.root } };
}

/** What a thief does who has the database and the bucket. */
async function poison({ bucket }: Scene): Promise<void> {
  postgres.sql(`update files set sha256 = '${'6'.repeat(64)}' where filename = '${one?.filename}'`, 'stolen');
  postgres.sql("delete from offline_roles where role = 'project.django'", 'stolen');
  postgres.sql("update standings set standing = 'recently-claimed', keys = '{}'", 'stolen');
  if (one) await writeFile(join(bucket, objectKey(one)), 'other bytes');
}

test('an index in PostgreSQL and S3 is backed up while it is served, and restored in a directory', async (t) => {
  const { made, signer, backup } = await makeScene(t, 'kept');
  const report = await backupIndex(made.directory, backup);
  assert.equal(report.copied, 2, 'the two files that came since');
  assert.deepEqual(report.deletedMeanwhile, []);
  await signer.close();
  const directory = join(await temporaryDirectory(t, 'restored'), 'index');
  const { objects, missing } = await restoreIndex({ from: backup, directory });
  assert.deepEqual([objects, missing], [4, []]);
  const restored = await openBare(directory);
  t.after(() => restored.close());
  assert.equal((await verifiedFiles({ directory, root: made.root }, 'demo')).size, 2);
  assert.equal((await verifiedFiles({ directory, root: made.root }, 'django')).size, 2);
});

test('an index in PostgreSQL and S3 is recovered into another database, and whoever serves from the old one writes nothing (P18, M11, M12)', {
  timeout: 120_000,
}, async (t) => {
  const scene = await makeScene(t, 'stolen');
  const { made, signer, bucket, backup, machine, view } = scene;
  await poison(scene);
  const changed: string[] = [];
  for await (const { project, files } of compareWithBackup(made.directory, backup))
    for (const { filename, changed: fate } of files)
      if (fate !== 'unchanged') changed.push(`${project} ${fate} ${filename}`);
  assert.deepEqual(changed, [
    `demo changed ${one?.filename}`,
    `demo added ${two?.filename}`,
    `django added ${django2}`,
  ]);

  const asked = { directory: made.directory, backup, since: 1_000 };
  const recovered = postgres.database('recovered');
  const { token } = await signer.accounts.createToken({ account: 'ann', label: 'front end' });
  await signer.close();
  const elsewhere = await openIndex(machine, { passphrase: 'x' });
  await assert.rejects(planRecover(asked), { code: 'INDEX_IN_USE' }, 'another machine signs');
  await elsewhere.close();

  const front = await openIndex(machine, { passphrase: undefined });
  const server = await startServer(front, { host: '127.0.0.1', port: 0, closeMs: 500 });
  t.after(async () => {
    await server.close();
    await front.close();
  });
  const before = (await readdir(bucket, { recursive: true })).sort();
  const told: ProjectReport[] = [];
  await planRecover(asked, { project: (report) => void told.push(report) });
  assert.deepEqual(
    told.map(({ project, after: standing, files }) => [project, standing, ...files.map(({ outcome }) => outcome)]),
    [
      ['demo', 'unclaimed', 'restored', 'discarded'],
      ['django', 'claimed', 'kept', 'kept'],
    ],
  );
  assert.deepEqual((await readdir(bucket, { recursive: true })).sort(), before, 'nothing is changed');
  assert.equal(postgres.sql('select count(*) from signing', 'stolen'), '1');
  await assert.rejects(recoverIndex(asked), { code: 'NEW_RECORDS_NEEDED' });
  const config = JSON.parse(await readFile(join(made.directory, 'config.json'), 'utf8')) as { records: string };
  await assert.rejects(recoverIndex({ ...asked, records: config.records }), { code: 'NEW_RECORDS_NEEDED' });

  // What an attempt left that was broken off is cleared away; a database of something else is not.
  const [old, fresh] = [await openRecords('', config), await openRecords('', { records: recovered })];
  await copyRecords(old, fresh, () => {});
  await Promise.all([old.close(), fresh.close()]);
  await assert.rejects(recoverIndex({ ...asked, records: recovered }), { code: 'INDEX_EXISTS' });
  await writeFile(join(made.directory, 'recovery.json'), recovered);

  const objects: RecoveredObject[] = [];
  const writing: Promise<unknown>[] = [];
  const done = await recoverIndex(
    { ...asked, records: recovered },
    {
      object(object) {
        objects.push(object);
        writing.push(front.publisher.publish(newFile('late', '1.0')).catch((error: unknown) => error));
      },
    },
  );
  assert.deepEqual(objects.map(({ outcome, key }) => `${outcome} ${key}`).sort(), [
    `copied ${one && objectKey(one)}`,
    `set-aside ${two && objectKey(two)}`,
  ]);
  for (const refused of await Promise.all(writing))
    assert.equal((refused as { code?: string }).code, 'RECORDS_RETIRED', 'a front end that went on serving');
  const answer = await upload({ url: server.url, token }, makeWheel({ version: '9.0' }));
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /recovered elsewhere/);
  await assert.rejects(openIndex(machine, { passphrase: 'x' }), { code: /RECORDS_RETIRED|INDEX_IN_USE/ });
  assert.equal(await readFile(join(done.aside, 'objects', one ? objectKey(one) : ''), 'utf8'), 'other bytes');

  const index = await openBare(made.directory);
  assert.deepEqual(await verifiedFiles(view, 'demo'), new Map([[one?.filename, one?.sha256]]));
  assert.deepEqual([...(await verifiedFiles(view, 'django')).keys()], [django1, django2]);
  assert.equal((await standingOf(index, 'django'))?.standing, 'claimed');
  assert.deepEqual(await statesOf(index, 'late'), {});
  assert.equal(hash('sha256', await readFile(join(bucket, one ? objectKey(one) : ''))), one?.sha256);
  assert.ok(
    (await index.records.read.selectFrom('publications').select('id').execute()).some(
      ({ id }) => id > done.timestampVersion,
    ),
  );
  await uploadBare(index, 'demo', '3.0');
  assert.equal((await verifiedFiles(view, 'demo')).size, 2);
});
