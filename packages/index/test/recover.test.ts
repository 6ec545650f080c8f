import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import {
  backupIndex,
  OfflineDesk,
  type OpenIndex,
  planRecover,
  type ProjectReport,
  type RecoveredObject,
  recoverIndex,
  type RecoverOptions,
} from '../src/index.ts';
import { objectKey, openBare, newFile, uploadBare, verifiedFiles } from './support/bare-index.ts';
import {
  claim,
  type ClaimsIndex,
  delegationTo,
  makeDeveloper,
  makeModelTargets,
  openClaimsIndex,
  rotation,
  signRole,
  signTrees,
  stageFile,
  standingOf,
  statesOf,
  submit,
} from './support/claims.ts';
import { makeRoot } from './support/rotation.ts';
import { temporaryDirectory } from './support/tools.ts';

interface Made {
  readonly made: ClaimsIndex;
  readonly index: OpenIndex;
  readonly developer: LocalSigner;
  readonly backup: string;
}

/** An index with a claimed project and one that nobody claimed. */
async function make(t: TestContext): Promise<Made> {
  const { made, index, developer } = await openClaimsIndex(t, 'maximum');
  await claim(index, 'django', developer, [await stageFile(index, 'django', '1.0')]);
  await uploadBare(index, 'demo', '1.0');
  await index.importOffline(await signTrees(made, { claimed: [delegationTo('django', developer)] }, index));
  return { made, index, developer, backup: join(await temporaryDirectory(t, 'recover'), 'backup') };
}

async function poisoned(made: ClaimsIndex, statement: string, ...values: (string | Uint8Array)[]): Promise<void> {
  const records = new DatabaseSync(join(made.directory, 'records.sqlite'));
  records.prepare(statement).run(...values);
  records.close();
}

/** With everything that it tells. */
async function recovered(options: RecoverOptions) {
  const [projects, objects]: [ProjectReport[], RecoveredObject[]] = [[], []];
  const done = await recoverIndex(options, {
    project: (report) => void projects.push(report),
    object: (object) => void objects.push(object),
  });
  return { ...done, projects, told: objects.map(({ key, outcome }) => `${outcome} ${key}`).sort() };
}

const asked = ({ made, backup }: Made) => ({ directory: made.directory, backup, since: 1_000 });

test('it is refused while the index is served, with a backup of a later publication, and without one (P18)', async (t) => {
  const all = await make(t);
  await assert.rejects(planRecover(asked(all)), { code: 'NO_BACKUP' });
  await backupIndex(all.made.directory, all.backup);
  await assert.rejects(planRecover(asked(all)), { code: 'INDEX_IN_USE' });
  await all.index.close();
  await assert.rejects(planRecover({ ...asked(all), since: 2 }), { code: 'WRONG_BACKUP' });
  const projects: ProjectReport[] = [];
  await planRecover(asked(all), { project: (report) => void projects.push(report) });
  assert.deepEqual(
    projects.map(({ project, after, files }) => `${project} ${after} ${files.length}`),
    ['demo unclaimed 1', 'django claimed 1'],
  );
});

test('a list names files that the index publishes with these bytes, or nothing is done (M12)', async (t) => {
  const all = await make(t);
  await backupIndex(all.made.directory, all.backup);
  const [right, wrong] = [newFile('demo', '2.0'), newFile('demo', '3.0')];
  await uploadBare(all.index, 'demo', '2.0');
  await all.index.close();
  for (const [filename, sha256, reason] of [
    [right.filename, wrong.sha256, /no such file with this hash/],
    [wrong.filename, wrong.sha256, /no such file with this hash/],
    [right.filename, right.sha256, /cannot be kept/], // It is no wheel: nobody knows what it depends on.
  ] as const)
    await assert.rejects(recoverIndex({ ...asked(all), keep: new Map([[filename, sha256]]) }), reason);
  await poisoned(all.made, 'update tokens set revoked_at = null');
  const index = await openBare(all.made.directory);
  assert.deepEqual(await statesOf(index, 'demo'), {
    [right.filename]: 'published',
    'demo-1.0-py3-none-any.whl': 'published',
  });
});

test('keys that developers changed stay changed, however the records were written; nobody else changes them (M11, M12)', async (t) => {
  const all = await make(t);
  const { made, index, developer } = all;
  await backupIndex(made.directory, all.backup);
  const next = await makeDeveloper(index);
  const file = await stageFile(index, 'django', '2.0');
  const role = 'project.django';
  await submit(index, 'django', {
    roles: new Map([[role, await signRole(index, role, ['django-1.0-py3-none-any.whl', file], [next])]]),
    rotation: await rotation(role, 1, [next], [developer]),
  });
  await index.close();
  const thief = await generateKey('ed25519');
  // A rotation by a thief, a role of a thief, and the records say that all of this is right.
  const bytes = await rotation(role, 2, [thief], [thief]);
  await poisoned(
    made,
    'insert into offline_roles (role, version, bytes) values (?, 2, ?)',
    `rotate/${role}.rotate.2`,
    bytes,
  );
  const expires = new Date('2036-01-01T00:00:00Z');
  const forged = await signMetadata(targetsJson({ version: 9, expires, targets: new Map() }), [thief]);
  await poisoned(made, 'update offline_roles set bytes = ?, version = 9 where role = ?', forged, role);
  await poisoned(made, "update standings set keys = '{}', rotations = 2 where project = ?", 'django');

  await recoverIndex(asked(all));
  const after = await openBare(made.directory);
  assert.deepEqual(await standingOf(after, 'django'), { standing: 'claimed', role, rotations: 1, generation: 1 });
  assert.deepEqual(await statesOf(after, 'django'), {
    'django-1.0-py3-none-any.whl': 'published',
    [file]: 'published',
  });
  const standing = await after.records.read.selectFrom('standings').select('keys').executeTakeFirstOrThrow();
  assert.deepEqual(Object.keys(JSON.parse(standing.keys ?? '{}') as object), [next.key.keyid]);
  const kept = await after.records.read.selectFrom('offline_roles').select('role').orderBy('role').execute();
  assert.ok(!kept.some((row) => row.role.endsWith('rotate.2')));
});

test('what developers revoked stays revoked, and its files wait (M11, M12)', async (t) => {
  const all = await make(t);
  const { made, index, developer } = all;
  await backupIndex(made.directory, all.backup);
  await submit(index, 'django', { roles: new Map(), rotation: await rotation('project.django', 1, [], [developer]) });
  await index.close();
  await poisoned(made, "delete from standings where project = 'django'");
  await recoverIndex(asked(all));
  const after = await openBare(made.directory);
  const row = await after.records.read.selectFrom('standings').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([row.standing, row.revoked_at !== null], ['claimed', true]);
  assert.deepEqual(await statesOf(after, 'django'), { 'django-1.0-py3-none-any.whl': 'staged' });
});

test('broken off anywhere, the same call begins anew and ends the same (P18)', async (t) => {
  const all = await make(t);
  const { made, index } = all;
  await backupIndex(made.directory, all.backup);
  await uploadBare(index, 'demo', '2.0');
  await index.close();
  const demo = newFile('demo', '1.0');
  const object = join(made.directory, 'objects', objectKey(demo));
  await writeFile(object, 'other bytes');
  for (const left of ['records.sqlite.recovering', 'records.sqlite.seen', 'recovering.sqlite'])
    await writeFile(join(made.directory, left), 'what a crash left');
  const first = await recovered({ ...asked(all), now: new Date('2026-05-01T00:00:00Z') });
  assert.deepEqual(first.told, [`copied ${objectKey(demo)}`, `set-aside ${objectKey(newFile('demo', '2.0'))}`]);
  assert.equal(await readFile(join(first.aside, 'objects', objectKey(demo)), 'utf8'), 'other bytes');
  assert.equal(hash('sha256', await readFile(object)), demo.sha256);
  const again = await recovered({ ...asked(all), now: new Date('2026-05-01T00:00:01Z') });
  assert.deepEqual([again.told, again.objects.good], [[], first.objects.good + 1]);
  assert.ok(again.timestampVersion > first.timestampVersion);
  const after = await openBare(made.directory);
  assert.deepEqual(await statesOf(after, 'demo'), { [demo.filename]: 'published' });
  await uploadBare(after, 'demo', '4.0');
});

test('a project that the offline keys let go is unclaimed again, with the files of the good state (M12)', async (t) => {
  const all = await make(t);
  const { made, index } = all;
  const files = await index.records.read.selectFrom('files').selectAll().where('project', '=', 'demo').execute();
  assert.equal(files.length, 1);
  await backupIndex(made.directory, all.backup);
  await index.importOffline(await signTrees(made, { claimed: [] }, index));
  await index.close();
  const { projects } = await recovered(asked(all));
  assert.equal(projects.find(({ project }) => project === 'django')?.after, 'unclaimed');
  // The bin that it comes back to may not be there: it is published as an upload is.
  const records = new DatabaseSync(join(made.directory, 'records.sqlite'), { readOnly: true });
  const waiting = records.prepare('select kind, filename from changes where publication is null').all();
  records.close();
  assert.deepEqual(
    waiting.map((row) => ({ ...row })),
    [{ kind: 'add', filename: 'django-1.0-py3-none-any.whl' }],
  );
  const after = await openBare(made.directory);
  assert.equal(await standingOf(after, 'django'), undefined);
  assert.deepEqual(await statesOf(after, 'django'), { 'django-1.0-py3-none-any.whl': 'published' });
  assert.deepEqual([...(await verifiedFiles(made, 'django')).keys()], ['django-1.0-py3-none-any.whl']);
});

test('a thief who counts far does not make the index count past what numbers hold (P20)', async (t) => {
  const all = await make(t);
  await backupIndex(all.made.directory, all.backup);
  await all.index.close();
  await poisoned(
    all.made,
    `insert into publications (id, snapshot, lists, prepared_at, published_at) values (${Number.MAX_SAFE_INTEGER}, 1, 1, 1, 1)`,
  );
  const path = join(all.made.directory, 'objects/metadata/9007199254740991.unclaimed.json');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '{}');
  const { timestampVersion } = await recoverIndex(asked(all));
  assert.ok(timestampVersion < 20_000_000);
  await assert.rejects(readFile(path), { code: 'ENOENT' });
  await openBare(all.made.directory);
});

test('the signing that replaces the stolen keys is published first, and everything is signed once (P18)', async (t) => {
  for (const massFrom of [undefined, 1]) {
    const all = await make(t);
    const { made } = all;
    await backupIndex(made.directory, all.backup);
    await all.index.close();
    const { timestampVersion } = await recoverIndex(asked(all));
    const online = await generateKey('ed25519');
    await writeKeyFile(join(made.directory, 'keys', `${online.key.keyid}.json`), online, undefined);
    const desk = await OfflineDesk.open(made.directory);
    await desk.offer({
      root: await makeRoot({ version: 2, offline: made.offline, online }),
      targets: await makeModelTargets({ offline: made.offline, online }, 'maximum', 2),
    });
    await desk.close();
    const index = await openBare(made.directory, massFrom === undefined ? {} : { massFrom });
    const publications = await index.records.read
      .selectFrom('publications')
      .select('id')
      .where('id', '>', timestampVersion)
      .execute();
    assert.deepEqual(
      publications.map(({ id }) => id),
      [timestampVersion + 1],
    );
    const metadata = join(made.directory, 'objects/metadata');
    const signers = new Set<string>();
    for (const name of await readdir(metadata)) {
      if (!/unclaimed|recently-claimed|snapshot|timestamp/.test(name)) continue;
      const { signatures } = JSON.parse(await readFile(join(metadata, name), 'utf8')) as {
        signatures: readonly { keyid: string }[];
      };
      for (const { keyid } of signatures) signers.add(keyid);
    }
    assert.deepEqual([...signers], [online.key.keyid], 'nothing that the stolen key signed is there');
    assert.equal((await verifiedFiles(made, 'demo')).size, 1);
    await uploadBare(index, 'demo', '2.0');
    await index.close();
  }
});
