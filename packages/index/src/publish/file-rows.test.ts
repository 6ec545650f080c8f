import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { FileState } from '../records/schema.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { unclaimedFiles } from './file-rows.ts';

test('the files of a range that nobody claimed are found by lookups in indexes alone', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-file-rows-'));
  const records = await SqliteRecords.open(join(directory, 'records.sqlite'));
  t.after(async () => {
    await records.close();
    await rm(directory, { recursive: true });
  });
  const planOf = async (states: readonly FileState[]): Promise<string[]> => {
    const { sql: text, parameters } = unclaimedFiles(records.read, { first: 5, last: 9 }, states)
      .select('bin')
      .orderBy('bin')
      .compile();
    const [head = '', ...rest] = text.split('?');
    const query = rest.reduce((whole, part, at) => sql`${whole}${parameters[at]}${sql.raw(part)}`, sql.raw(head));
    const { rows } = await sql<{ detail: string }>`explain query plan ${query}`.execute(records.read);
    return rows.map(({ detail }) => detail);
  };
  const published = await planOf(['published']);
  assert.ok(
    published.some((step) => /files USING INDEX files_bin/.test(step)),
    published.join('\n'),
  );
  const imported = await planOf(['imported']);
  assert.ok(
    imported.some((step) => /files USING INDEX files_imported/.test(step)),
    imported.join('\n'),
  );
  for (const step of [...published, ...imported]) assert.doesNotMatch(step, /^SCAN|TEMP B-TREE/);
});
