import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { type Followed, Follower } from '../src/publish/follower.ts';
import { RoleTable } from '../src/publish/role-table.ts';
import { Waiters } from '../src/publish/waiters.ts';
import { makeIndex, newFile, openBare, uploadBare } from './support/bare-index.ts';

test('whoever follows takes nothing for published because an offline signing, that came later, overtook it (P3, D8)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  for (const version of ['1.0', '2.0']) await uploadBare(index, 'demo', version);
  await index.stop();
  const { records } = index;
  const told: Followed[] = [];
  const follower = new Follower({
    records,
    table: await RoleTable.load(records),
    logger: pino({ level: 'silent' }),
    onFollowed: (followed) => told.push(followed),
  });
  const { newest } = await RoleTable.load(records);
  const publish = (id: number): Promise<unknown> =>
    records.write((db) =>
      db.insertInto('publications').values({ id, snapshot: 1, lists: 1, prepared_at: 1, published_at: 1 }).execute(),
    );
  const change = (version: string, publication: number | null, offered: number): Promise<number> =>
    records.write(async (db) => {
      const { filename } = newFile('demo', version);
      const row = { kind: 'yank', filename, reason: '', account: null, recorded_at: 1, publication, offered } as const;
      return (await db.insertInto('changes').values(row).returning('id').executeTakeFirstOrThrow()).id;
    });

  const waits = await change('1.0', null, 0);
  assert.ok((await change('2.0', newest + 1, 1)) > waits);
  await publish(newest + 1);
  const waiters = new Waiters(60_000);
  const answered = waiters.until(waits, () => 0);
  await follower.catchUp();
  assert.deepEqual(
    told.map(({ id, projects }) => [id, [...projects]]),
    [[newest + 1, ['demo']]],
    'the project that was moved is looked at anew',
  );
  for (const { upTo, id } of told) waiters.published(upTo, id);

  await records.write((db) =>
    db
      .updateTable('changes')
      .set({ publication: newest + 2 })
      .where('id', '=', waits)
      .execute(),
  );
  await publish(newest + 2);
  await follower.catchUp();
  for (const { upTo, id } of told.slice(1)) waiters.published(upTo, id);
  assert.equal(await answered, newest + 2, 'who waits is answered by the publication that holds the change');
});
