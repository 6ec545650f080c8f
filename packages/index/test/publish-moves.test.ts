import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import type { Distribution } from '@holdfast/trust';
import { ClaimedProjectError, MetadataRefusedError, type OpenIndex, VersionTakenError } from '../src/index.ts';
import { DirectoryStore } from '../src/objects/directory-store.ts';
import { distributionOf } from '../src/publish/file-rows.ts';
import { insertOffered } from '../src/publish/offer/record-offer.ts';
import type { Published } from '../src/publish/new-file.ts';
import { newFile, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';
import { ANN, type ClaimsIndex, makeClaimsIndex, signTrees, stageFile, statesOf } from './support/claims.ts';
import { GatedStore } from './support/gated-store.ts';

const quiet = normalizeName('quiet');
const name = (version: string): string => newFile('quiet', version).filename;

interface Scene {
  readonly made: ClaimsIndex;
  readonly index: OpenIndex;
  readonly store: GatedStore;
}

/** Of model maximum, with a project that nobody claimed. */
async function begin(t: TestContext): Promise<Scene> {
  const made = await makeClaimsIndex(t, 'maximum');
  const store = new GatedStore(await DirectoryStore.open(made.directory));
  const index = await openBare(made.directory, { objects: store });
  for (const version of ['1.0', '1.1']) await uploadBare(index, 'quiet', version);
  return { made, index, store };
}

async function filesOf(index: OpenIndex): Promise<Distribution[]> {
  const rows = await index.records.read.selectFrom('files').selectAll().where('project', '=', 'quiet').execute();
  return rows.map(distributionOf);
}

/** Publishes an offline signing; `work` is done when it is half published. */
async function during(
  { made, index, store }: Scene,
  rarelyUpdated: readonly Distribution[],
  work: () => Promise<void>,
): Promise<void> {
  const offer = await signTrees(made, { rarelyUpdated }, index);
  const gate = store.holdBack(`metadata/${(await versionOf(index, 'rarely-updated')) + 1}.rarely-updated.json`);
  const imported = index.importOffline(offer);
  await gate.reached;
  try {
    await work();
  } finally {
    gate.open();
  }
  await imported;
}

async function versionOf(index: OpenIndex, role: string): Promise<number> {
  const roles = index.records.read.selectFrom('roles').select('version').where('role', '=', role);
  return (await roles.executeTakeFirstOrThrow()).version;
}

test('what comes for a project while an offline signing moves it away from the index is told what becomes of it then (P3, D7)', async (t) => {
  const scene = await begin(t);
  const { made, index } = scene;
  const others: Promise<Published>[] = [];
  await during(scene, await filesOf(index), async () => {
    assert.equal((await uploadBare(index, 'quiet', '2.0')).waitsFor, 'offline-signing');
    const { publisher } = index;
    await assert.rejects(publisher.setYanked(quiet, [name('1.0')], 'bad'), ClaimedProjectError);
    await assert.rejects(publisher.delete(quiet, name('1.1')), ClaimedProjectError);
    others.push(uploadBare(index, 'other', '1.0'));
  });
  for (const other of others) assert.equal((await other).outcome, 'published');
  assert.deepEqual(await statesOf(index, 'quiet'), {
    [name('1.0')]: 'published',
    [name('1.1')]: 'published',
    [name('2.0')]: 'staged',
  });
  assert.deepEqual([...(await verifiedFiles(made, 'quiet')).keys()], [name('1.0'), name('1.1')]);
});

for (const kind of ['upload', 'yank', 'delete'] as const) {
  test(`an offline signing that would undo an acknowledged ${kind} of the same moment is refused, and the ${kind} is published (P3, D7)`, async (t) => {
    const { made, index, store } = await begin(t);
    const offer = await signTrees(made, { rarelyUpdated: await filesOf(index) }, index);
    const gate = store.holdBack(`metadata/${(await versionOf(index, 'unclaimed')) + 1}.unclaimed.json`);
    const busy = uploadBare(index, 'busy', '1.0');
    await gate.reached;
    const change = {
      upload: () => uploadBare(index, 'quiet', '2.0'),
      yank: () => index.publisher.setYanked(quiet, [name('1.0')], 'bad'),
      delete: () => index.publisher.delete(quiet, name('1.0')),
    }[kind]();
    await taken(index);
    const imported = index.importOffline(offer);
    const refused = assert.rejects(imported, (error) => {
      assert.ok(error instanceof MetadataRefusedError, String(error));
      assert.match(error.message, /quiet.*at this moment/);
      return true;
    });
    gate.open();
    await Promise.all([refused, busy, change]);
    const shown = await verifiedFiles(made, 'quiet');
    if (kind === 'upload') assert.ok(shown.has(name('2.0')));
    if (kind === 'yank') assert.match(shown.get(name('1.0')) ?? '', /!bad$/);
    if (kind === 'delete') assert.deepEqual([...shown.keys()], [name('1.1')]);
    // Nor later: what the holders of the keys signed does not know of it.
    await assert.rejects(index.importOffline(offer), (error) => {
      assert.ok(error instanceof MetadataRefusedError, String(error));
      assert.match(error.message, /came in the meantime|was yanked in the meantime|no such file/);
      return true;
    });
  });
}

/** Resolves when a change waits. */
async function taken(index: OpenIndex): Promise<void> {
  const waits = (): Promise<unknown> =>
    index.records.read
      .selectFrom('changes')
      .select('id')
      .where('publication', 'is', null)
      .where('filename', 'like', 'quiet%')
      .executeTakeFirst();
  while (!(await waits())) await new Promise(setImmediate);
}

test('what comes for a project while an offline signing gives it back to the index is published (P3, D7)', async (t) => {
  const scene = await begin(t);
  const { made, index } = scene;
  await index.importOffline(await signTrees(made, { rarelyUpdated: await filesOf(index) }, index));
  for (const version of ['2.0', '3.0']) await stageFile(index, 'quiet', version);
  const published: Promise<Published>[] = [];
  await during(scene, [], async () => {
    await assert.rejects(index.transactions.discard(ANN, quiet, name('2.0')), /came first/);
    published.push(uploadBare(index, 'quiet', '2.0'), uploadBare(index, 'quiet', '4.0'));
    await taken(index);
    await stageFile(index, 'quiet', '5.0');
  });
  for (const each of published) assert.equal((await each).outcome, 'published');
  const there = ['1.0', '1.1', '2.0', '3.0', '4.0'].map(name);
  assert.deepEqual([...(await verifiedFiles(made, 'quiet')).keys()], there);
  const states = Object.entries(await statesOf(index, 'quiet'));
  assert.deepEqual(
    states.filter(([, state]) => state !== 'published'),
    [[name('5.0'), 'staged']],
    'whoever asked for it waits for a claim',
  );
});

test('what is staged for a claim while an offline signing gives its project back to the index is not shown with it', async (t) => {
  const scene = await begin(t);
  const { made, index } = scene;
  await index.importOffline(await signTrees(made, { rarelyUpdated: await filesOf(index) }, index));
  await stageFile(index, 'quiet', '2.0');
  await during(scene, [], async () => void (await stageFile(index, 'quiet', '3.0')));
  assert.deepEqual([...(await verifiedFiles(made, 'quiet')).keys()], ['1.0', '1.1', '2.0'].map(name));
  assert.equal((await statesOf(index, 'quiet'))[name('3.0')], 'staged');
});

test('what an offer publishes of what waits is what waits when it begins, not what waited when it was looked at', async (t) => {
  const { made, index } = await begin(t);
  await index.importOffline(await signTrees(made, { rarelyUpdated: await filesOf(index) }, index));
  await stageFile(index, 'quiet', '2.0');
  const row = await index.records.read.selectFrom('standings').selectAll().executeTakeFirstOrThrow();
  const nothing = { roles: [], retired: [], files: [], leaves: 0, upTo: 0 };
  const standings = [{ ...row, standing: 'unclaimed' as const }];
  await assert.rejects(
    index.records.write(async (db) => {
      assert.equal(await insertOffered(db, { ...nothing, standings }, new Date()), true);
      const changes = await db.selectFrom('changes').selectAll().where('offered', '=', 1).execute();
      assert.deepEqual(
        changes.filter(({ publication }) => publication === 0).map(({ kind, filename }) => [kind, filename]),
        [['add', name('2.0')]],
      );
      throw new VersionTakenError(quiet, 'the test ends');
    }),
    VersionTakenError,
  );
  const gone = [{ kind: 'add', filename: name('9.0'), reason: null } as const];
  await assert.rejects(
    index.records.write((db) => insertOffered(db, { ...nothing, standings: [], files: gone }, new Date())),
    /discarded in the meantime/,
  );
});
