import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadOffer, recordOffer } from '../src/offline/offers.ts';
import { SqliteRecords } from '../src/records/sqlite-records.ts';
import { temporaryDirectory } from './support/tools.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('an offer whose command was killed before it was whole is dropped by the next one after an hour, and none that is whole (M9)', async (t) => {
  const records = await SqliteRecords.open(join(await temporaryDirectory(t, 'offers'), 'records.sqlite'));
  t.after(() => records.close());
  const begin = new Date('2026-05-01T00:00:00Z');
  const later = (minutes: number): Date => new Date(begin.getTime() + minutes * 60_000);
  const offer = { root: bytes('a root'), roles: new Map([['claimed', bytes('a tree')]]), retired: ['claimed.0'] };
  const broken = await recordOffer(records, offer, begin);
  const set = { state: 'filling' as const };
  await records.write((db) => db.updateTable('offline_imports').set(set).where('id', '=', broken).execute());
  const whole = await recordOffer(records, offer, later(1));
  const ids = async (): Promise<number[]> =>
    (await records.read.selectFrom('offline_imports').select('id').orderBy('id').execute()).map(({ id }) => id);
  await recordOffer(records, {}, later(59));
  assert.equal((await ids()).length, 3, 'somebody may be writing it');
  await recordOffer(records, {}, later(62));
  assert.equal((await ids()).includes(broken), false);
  assert.deepEqual(await loadOffer(records, broken), {});
  assert.deepEqual([...((await loadOffer(records, whole)).roles?.keys() ?? [])], ['claimed']);
});
