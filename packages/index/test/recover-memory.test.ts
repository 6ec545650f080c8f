import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SqliteRecords } from '../src/records/sqlite-records.ts';
import { temporaryDirectory } from './support/tools.ts';

const PROJECTS = 5_000;
const FILES_EACH = 10;
/** Characters: so all of it takes four times the heap that there is. */
const REASON = 5_000;
/** Megabytes. */
const HEAP = 64;

test('50 000 files are compared in a heap that holds a quarter of them: rows come in pages, projects one at a time (M12, D13)', async (t) => {
  const directory = await temporaryDirectory(t, 'memory');
  const [good, present] = [join(directory, 'good.sqlite'), join(directory, 'present.sqlite')];
  await (await SqliteRecords.open(good)).close();
  fill(good);
  await cp(good, present);
  const changed = new DatabaseSync(present);
  changed.exec("delete from files where project = 'demo-7'");
  changed.close();
  const program = join(import.meta.dirname, 'support/compare-in-little-memory.ts');
  const args = ['--conditions=holdfast-source', `--max-old-space-size=${HEAP}`, program];
  const child = spawn(process.execPath, [...args, good, present, join(directory, 'table.sqlite')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, 'out of memory');
  assert.equal(out, `${PROJECTS} ${PROJECTS * FILES_EACH} ${FILES_EACH}\n`);
});

function fill(path: string): void {
  const records = new DatabaseSync(path);
  records.exec(`pragma synchronous = off; begin;
    insert into accounts values ('ann', 1);
    with recursive n(i) as (select 0 union all select i + 1 from n where i < ${PROJECTS - 1})
      insert into projects (name, display_name, created_at, created_by, bytes) select 'demo-' || i, 'demo', 1, 'ann', 1 from n;
    with recursive n(i) as (select 0 union all select i + 1 from n where i < ${PROJECTS * FILES_EACH - 1})
      insert into files (filename, project, bin, version, kind, size, sha256, yanked, uploaded_at, account, state)
      select 'demo_' || (i / ${FILES_EACH}) || '-' || (i % ${FILES_EACH}) || '-py3-none-any.whl', 'demo-' || (i / ${FILES_EACH}), 1, '1', 'wheel', 1,
        '${'ab'.repeat(32)}', substr(hex(randomblob(16)) || '${'x'.repeat(REASON)}', 1, ${REASON}), 1, 'ann', 'published' from n;
    commit`);
  records.close();
}
