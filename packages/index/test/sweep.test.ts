import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { DICTIONARIES, DICTIONARY_MS, GRACE_MS, sweepOld, sweepSurplus } from '../src/publish/sweep.ts';
import { type BareIndex, makeIndex, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';

const START = new Date('2026-11-21T12:00:00Z').getTime();
const logger = pino({ level: 'silent' });

test('metadata that was replaced goes when nobody needs it as a dictionary; what is current, and every root, stays (P11)', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const bare = await makeIndex(t, { clock });
  const index = await openBare(bare.directory, { clock });
  const files = async (): Promise<string[]> => (await readdir(join(bare.directory, 'objects', 'metadata'))).sort();
  const sweep = (): Promise<number> => sweepOld({ ...index, clock, logger });
  const first = await files();
  await uploadBare(index, 'demo', '1.0');
  now += GRACE_MS;
  await uploadBare(index, 'demo', '2.0');
  const all = await files();

  now = START + DICTIONARY_MS;
  assert.equal(await sweep(), 0);
  now += 1;
  // What the first upload replaced is old enough; what the second one replaced is not.
  const gone = all.filter((name) => first.includes(name) && /^\d+\.(snapshot|unclaimed)\.json$/.test(name));
  assert.equal(await sweep(), gone.length);
  assert.deepEqual(
    await files(),
    all.filter((name) => !gone.includes(name)),
  );
  now += GRACE_MS;
  await sweep();
  const left = await files();
  for (const role of ['snapshot', 'unclaimed', 'targets', 'root'])
    assert.deepEqual(left.filter((name) => all.includes(name) && name.endsWith(`.${role}.json`)).length, 1, role);
  assert.equal(await sweep(), 0);

  now = START + GRACE_MS;
  assert.equal((await verifiedFiles(bare, 'demo', clock)).size, 2);
});

test('of a role that changes often, a bounded number of replaced versions stays, and all for the grace time (P11)', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const bare = await makeIndex(t, { clock });
  const index = await openBare(bare.directory, { clock });
  const versions = async (role: string): Promise<number[]> =>
    (await readdir(join(bare.directory, 'objects', 'metadata')))
      .filter((name) => name.endsWith(`.${role}.json`))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  const parts = { ...index, clock, logger };
  const uploads = DICTIONARIES + 3;
  for (let at = 0; at < uploads; at++) await uploadBare(index, 'demo', `${at}.0`);
  const unclaimed = await versions('unclaimed');
  now += GRACE_MS;
  assert.equal((await sweepSurplus(parts, 0)).removed, 0, 'nobody in the middle of a refresh finds a gap');
  now += 1;
  const { removed, upTo } = await sweepSurplus(parts, 0);
  assert.deepEqual(await versions('unclaimed'), unclaimed.slice(-DICTIONARIES - 1));
  assert.deepEqual((await versions('snapshot')).length, DICTIONARIES + 1);
  assert.ok(removed >= 4);
  assert.deepEqual(await sweepSurplus(parts, upTo), { removed: 0, upTo });
  assert.equal((await verifiedFiles(bare, 'demo', clock)).size, uploads);
});

async function snapshots({ directory }: BareIndex): Promise<string[]> {
  const names = await readdir(join(directory, 'objects', 'metadata'));
  return names.filter((name) => name.endsWith('.snapshot.json'));
}

test('an interrupted sweep is finished by the next, and a stop ends it between two objects', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const bare = await makeIndex(t, { clock });
  const index = await openBare(bare.directory, { clock });
  for (const version of ['1.0', '2.0', '3.0']) await uploadBare(index, 'demo', version);
  const all = await snapshots(bare);
  now += DICTIONARY_MS + 1;
  let deletes = 0;
  const objects = {
    delete: async (key: string): Promise<void> => {
      if (++deletes === 3) throw new Error('the disk is gone');
      await index.objects.delete(key);
    },
  };
  const parts = { records: index.records, objects, clock, logger };
  await assert.rejects(sweepOld(parts), /the disk is gone/);
  assert.equal(await sweepOld({ ...index, clock, logger }, AbortSignal.abort()), 0);
  assert.ok((await sweepOld({ ...index, clock, logger })) >= 4, 'what was removed before is removed once more');
  const left = await snapshots(bare);
  assert.equal(all.filter((name) => left.includes(name)).length, 1);
});
