import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { generateKey } from '@holdfast/tuf/node';
import { loadExport, OfflineFileError, planSigning, review, reviewText, writeDecided } from '../src/index.ts';
import { claimOf, exported, newWorld, publish, quietOf } from './support/world.ts';

test('what deserves a second look is marked: young claims, old projects, many files, one key in many, keys that nobody vouches for (M9)', async (t) => {
  const world = await newWorld(t);
  const [dev, busy] = [await generateKey('ed25519'), await generateKey('ed25519')];
  const calm = await claimOf({ project: 'calm', signers: [dev] });
  const before = await claimOf({ project: 'other', signers: [busy] });
  const since = new Date('2026-02-27T00:00:00.000Z');
  const claims = [
    calm,
    await claimOf({ project: 'grabbed', signers: [dev] }, { since, files: 40, firstUpload: new Date('2019-01-01') }),
    await claimOf({ project: 'other', signers: [dev] }, { events: [...before.events, ...calm.events] }),
  ];
  for (let at = 0; at < 10; at++) claims.push(await claimOf({ project: `one-of-many-${at}`, signers: [busy] }));
  const items = claims
    .sort((a, b) => (a.project < b.project ? -1 : 1))
    .map((claim) => ({ kind: 'claim', claim }) as const);
  const path = await exported(world, {}, items);
  const loaded = await loadExport(path);
  const facts = review(loaded, await planSigning(loaded));
  const doubts = new Map(facts.claims.map((claim) => [claim.project, claim.doubts.join('; ')]));
  assert.equal(doubts.get(normalizeName('calm')), '');
  const grabbed = doubts.get(normalizeName('grabbed')) ?? '';
  assert.match(grabbed, /claimed 2 days ago; its files are there since 2019-01-01, its claim is new; it has 40 files/);
  assert.match(doubts.get(normalizeName('other')) ?? '', /^nobody vouches for its keys: 2026-02-20: claimed again/);
  assert.deepEqual(facts.shared, [{ keyid: busy.key.keyid, projects: 10 }]);

  const text = reviewText(facts);
  assert.match(text, /12 projects become claimed\n/);
  assert.match(text, /1 claim waits\n {2}other: nobody vouches/);
  assert.match(text, /^ {4}calm /m);
  assert.match(text, /^ {2}! grabbed /m);
  assert.match(text, new RegExp(`! the key ${busy.key.keyid} is in 10 claims`));

  const decided = join(world.directory, 'decided');
  await writeDecided(path, decided, { accept: new Set([normalizeName('other')]), exclude: new Set() });
  const again = await loadExport(decided);
  const accepted = review(again, await planSigning(again)).claims.find(({ project }) => project === 'other');
  assert.match(accepted?.doubts.join() ?? '', /^accepted, though nobody vouches/);
  assert.equal(accepted?.becomes, 'claimed');
});

test('quiet projects are shown with the hash of every file, new and changed ones told apart', async (t) => {
  const world = await newWorld(t);
  await publish(world, await exported(world, {}, [{ kind: 'quiet', quiet: quietOf('old', ['1.0', '1.1']) }]));
  const quiet = quietOf('old', ['1.0', '1.1', '1.2']);
  const files = quiet.files.map((file) => (file.filename.includes('1.1') ? { ...file, sha256: 'f'.repeat(64) } : file));
  const loaded = await loadExport(await exported(world, {}, [{ kind: 'quiet', quiet: { ...quiet, files } }]));
  const facts = review(loaded, await planSigning(loaded));
  assert.deepEqual(
    facts.quiet.map(({ project, becomes }) => [project, becomes]),
    [['old', 'updated']],
  );
  const text = reviewText(facts, { diff: true });
  assert.match(text, /1 project stays rarely updated, with other files/);
  assert.match(text, / {6}  1a0[0-9a]{61} {2}old-1\.0/);
  assert.match(text, new RegExp(` {6}! f{64}  old-1\\.1-py3-none-any\\.whl  \\(was 1a1`));
  assert.match(text, / {6}\+ 1a2[0-9a]{61} {2}old-1\.2/);
  const leaving = { kind: 'leave', project: normalizeName('old'), reason: '1 new file waits' } as const;
  const unproven = await claimOf(
    { project: 'old', signers: [await generateKey('ed25519')] },
    { metadata: new Uint8Array() },
  );
  const waits = await loadExport(await exported(world, {}, [{ kind: 'claim', claim: unproven }, leaving]));
  assert.deepEqual((await planSigning(waits)).quiet.outcomes, [], 'whose claim waits stays where it is');
  const gone = await loadExport(await exported(world, {}, [leaving]));
  assert.match(
    reviewText(review(gone, await planSigning(gone))),
    /1 project is not rarely updated any more\n +old: 1 new/,
  );
});

test('an export out of order, or with a name twice, is refused; so is a claim whose threshold its keys cannot reach', async (t) => {
  const world = await newWorld(t);
  const dev = await generateKey('ed25519');
  const [a, b] = [await claimOf({ project: 'a', signers: [dev] }), await claimOf({ project: 'b', signers: [dev] })];
  const load = async (...claims: (typeof a)[]): Promise<unknown> =>
    loadExport(
      await exported(
        world,
        {},
        claims.map((claim) => ({ kind: 'claim', claim })),
      ),
    );
  await load(a, b);
  await assert.rejects(load(b, a), OfflineFileError);
  await assert.rejects(load(a, a), OfflineFileError);
  const early = [
    { kind: 'leave', project: normalizeName('x'), reason: '' } as const,
    { kind: 'claim', claim: a } as const,
  ];
  await assert.rejects(exported(world, {}, early).then(loadExport), /claim a is out of order/);
  const twice = { kind: 'claim', claim: { ...a, threshold: 2 } } as const;
  const loaded = await loadExport(await exported(world, {}, [twice]));
  assert.match(loaded.claims[0]?.reason ?? '', /2 of its 1 keys can never sign/);
});
