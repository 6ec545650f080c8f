import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { GRACE_MS, sweepReplaced } from '../src/publish/sweep.ts';
import { makeIndex, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';

const START = new Date('2026-11-21T12:00:00Z').getTime();
const logger = pino({ level: 'silent' });

test('metadata that was replaced goes after the grace time; what is current, and every root, stays (P11)', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const bare = await makeIndex(t, { clock });
  const index = await openBare(bare.directory, { clock });
  const files = async (): Promise<string[]> => (await readdir(join(bare.directory, 'objects', 'metadata'))).sort();
  const sweep = (): Promise<number> => sweepReplaced({ ...index, clock, logger });
  const first = await files();
  await uploadBare(index, 'demo', '1.0');
  now += GRACE_MS / 2;
  await uploadBare(index, 'demo', '2.0');
  const all = await files();

  assert.equal(await sweep(), 0, 'nobody in the middle of a refresh finds a gap');
  now += GRACE_MS / 2 + 1;
  // What the first upload replaced is older than the grace time; what the second one replaced is not.
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
    assert.equal(left.filter((name) => name.endsWith(`.${role}.json`)).length, 1, role);
  assert.equal(await sweep(), 0);

  assert.equal((await verifiedFiles(bare, 'demo', clock)).size, 2);
});

test('an interrupted sweep is finished by the next, and a stop ends it between two objects', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const bare = await makeIndex(t, { clock });
  const index = await openBare(bare.directory, { clock });
  for (const version of ['1.0', '2.0', '3.0']) await uploadBare(index, 'demo', version);
  now += GRACE_MS + 1;
  let deletes = 0;
  const objects = {
    delete: async (key: string): Promise<void> => {
      if (++deletes === 3) throw new Error('the disk is gone');
      await index.objects.delete(key);
    },
  };
  const parts = { records: index.records, objects, clock, logger };
  await assert.rejects(sweepReplaced(parts), /the disk is gone/);
  assert.equal(await sweepReplaced({ ...index, clock, logger }, AbortSignal.abort()), 0);
  assert.ok((await sweepReplaced({ ...index, clock, logger })) >= 4, 'what was removed before is removed once more');
  const left = await readdir(join(bare.directory, 'objects', 'metadata'));
  assert.equal(left.filter((name) => name.endsWith('.snapshot.json')).length, 1);
});
