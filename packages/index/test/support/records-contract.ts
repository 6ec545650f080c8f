import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sql, type Transaction } from 'kysely';
import { IndexClosedError, RecordsError } from '../../src/errors.ts';
import type { Database } from '../../src/records/schema.ts';
import type { Records } from '../../src/records/records.ts';

type Open = (t: TestContext, name: string) => Promise<Records>;

/** What records do, whatever database is behind them. `openRecords` gives empty ones for a new name, and then the same again. */
export function recordsContract(kind: string, openRecords: (name: string) => Promise<Records>): void {
  const open: Open = async (t, name) => {
    const records = await openRecords(name);
    t.after(() => records.close());
    return records;
  };
  keeps(kind, open);
  rollsBack(kind, open);
  values(kind, open);
  writers(kind, open);
  endings(kind, open);
  follows(kind, open);
}

const addAccount = (records: Records, name: string): Promise<unknown> =>
  records.write((tx) => tx.insertInto('accounts').values({ name, created_at: 1 }).execute());

async function accountNames(records: Records): Promise<string[]> {
  const rows = await records.read.selectFrom('accounts').select('name').orderBy('name').execute();
  return rows.map(({ name }) => name);
}

function keeps(kind: string, open: Open): void {
  test(`${kind}: what one transaction wrote is read after it, and after opening the records anew`, async (t) => {
    const records = await open(t, 'kept');
    await addAccount(records, 'ada');
    assert.deepEqual(await accountNames(records), ['ada']);
    await records.close();
    const again = await open(t, 'kept');
    assert.deepEqual(await accountNames(again), ['ada']);
  });

  test(`${kind}: nothing of a transaction is read before it is committed`, async (t) => {
    const records = await open(t, 'isolated');
    await records.write(async (tx) => {
      await tx.insertInto('accounts').values({ name: 'ada', created_at: 1 }).execute();
      assert.deepEqual(await accountNames(records), []);
      assert.equal((await tx.selectFrom('accounts').select('name').execute()).length, 1);
    });
    assert.deepEqual(await accountNames(records), ['ada']);
  });

  test(`${kind}: the reader writes nothing`, async (t) => {
    const records = await open(t, 'read-only');
    await assert.rejects(
      records.read.insertInto('accounts').values({ name: 'eve', created_at: 1 }).execute(),
      RecordsError,
    );
    assert.deepEqual(await accountNames(records), []);
  });
}

function rollsBack(kind: string, open: Open): void {
  test(`${kind}: a transaction that throws leaves nothing behind, and the next one works`, async (t) => {
    const records = await open(t, 'rolled-back');
    const insert = (name: string, fail: boolean): Promise<void> =>
      records.write(async (tx) => {
        await tx.insertInto('accounts').values({ name, created_at: 1 }).execute();
        if (fail) throw new Error('enough');
      });
    await assert.rejects(insert('ada', true), /enough/);
    await assert.rejects(
      records.write((tx) => tx.insertInto('members').values({ project: 'x', account: 'y', added_at: 1 }).execute()),
      RecordsError,
    );
    await insert('bob', false);
    assert.deepEqual(await accountNames(records), ['bob']);
  });

  test(`${kind}: of statements that are sent together, none is kept when one fails`, async (t) => {
    const records = await open(t, 'together');
    for (const at of [0, 1, 2, 5]) {
      const sent = records.write((tx) => {
        const statements = ['a', 'b', 'c', 'd', 'e'].map(
          (name) => () => tx.insertInto('accounts').values({ name, created_at: 1 }).execute(),
        );
        statements.splice(at, 0, () =>
          tx.insertInto('members').values({ project: 'x', account: 'y', added_at: 1 }).execute(),
        );
        return Promise.all(statements.map((statement) => statement()));
      });
      await assert.rejects(sent, RecordsError);
      await addAccount(records, `after-${at}`);
    }
    assert.deepEqual(await accountNames(records), ['after-0', 'after-1', 'after-2', 'after-5']);
  });

  test(`${kind}: a statement that nobody waited for is not run after the end of its transaction`, async (t) => {
    const records = await open(t, 'late');
    let late: Promise<unknown> = Promise.resolve();
    await records.write(async (tx) => {
      late = insertForEver(tx);
      late.catch(() => undefined);
    });
    await assert.rejects(late);
    const before = await accountNames(records);
    await addAccount(records, 'next');
    assert.deepEqual(await accountNames(records), [...before, 'next']);
  });
}

async function insertForEver(tx: Transaction<Database>): Promise<never> {
  for (let i = 0; ; i++) {
    await tx
      .insertInto('accounts')
      .values({ name: `late-${i}`, created_at: 1 })
      .execute();
  }
}

function values(kind: string, open: Open): void {
  test(`${kind}: numbers, texts and bytes come back as what they were`, async (t) => {
    const records = await open(t, 'values');
    const name = 'ünïcode 🐍 "quoted" \\ \'\n%';
    const [bytes, large] = [Uint8Array.from({ length: 256 }, (_, i) => i), Number.MAX_SAFE_INTEGER];
    await records.write(async (tx) => {
      await tx.insertInto('accounts').values({ name, created_at: large }).execute();
      await tx.insertInto('roots').values({ version: 1, publication: 2, bytes }).execute();
      await tx
        .insertInto('tokens')
        .values({ id: 'i', account: name, project: null, label: '', sha256: 'x', created_at: -1, revoked_at: null })
        .execute();
    });
    const account = await records.read.selectFrom('accounts').selectAll().executeTakeFirst();
    assert.deepEqual({ ...account }, { name, created_at: large });
    const root = await records.read.selectFrom('roots').selectAll().executeTakeFirstOrThrow();
    assert.ok(root.bytes instanceof Uint8Array);
    assert.deepEqual([root.version, root.publication, Uint8Array.from(root.bytes)], [1, 2, bytes]);
    const token = await records.read
      .selectFrom('tokens')
      .select(['label', 'created_at', 'revoked_at'])
      .executeTakeFirst();
    assert.deepEqual({ ...token }, { label: '', created_at: -1, revoked_at: null });
    const { total } = await records.read
      .selectFrom('accounts')
      .select(({ fn }) => fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    assert.equal(total, 1);
  });

  test(`${kind}: a number that would be rounded is an error`, async (t) => {
    const records = await open(t, 'rounded');
    await records.write((tx) => sql`insert into accounts values ('ada', 9007199254740993)`.execute(tx));
    await assert.rejects(records.read.selectFrom('accounts').selectAll().execute(), RecordsError);
  });

  test(`${kind}: columns refuse values of another type`, async (t) => {
    const records = await open(t, 'strict');
    await assert.rejects(
      records.write((tx) => sql`insert into accounts values ('ada', 'yesterday')`.execute(tx)),
      RecordsError,
    );
  });

  test(`${kind}: texts are ordered by code points, as pages of roles need it`, async (t) => {
    const records = await open(t, 'ordered');
    const names = ['Z', '_', 'a', 'a-b', 'a.b', 'a0', 'ab', 'b', 'é', '🐍'];
    for (const name of names.toReversed()) await addAccount(records, name);
    assert.deepEqual(await accountNames(records), names);
    const rows = await records.read.selectFrom('accounts').select('name').where('name', '>', 'a-b').execute();
    assert.equal(rows.length, 6);
  });

  test(`${kind}: no number of the queue is given twice`, async (t) => {
    const records = await open(t, 'counter');
    await records.write(async (tx) => {
      await tx.insertInto('accounts').values({ name: 'ann', created_at: 1 }).execute();
      await tx
        .insertInto('projects')
        .values({ name: 'p', display_name: 'p', created_at: 1, created_by: 'ann', bytes: 0 })
        .execute();
      const file = { project: 'p', bin: 0, version: '1', kind: 'wheel', size: 1, sha256: 'x', account: 'ann' };
      const none = { metadata_sha256: null, metadata_size: null, requires_python: null, yanked: null };
      await tx
        .insertInto('files')
        .values({ filename: 'f', ...file, ...none, uploaded_at: 1, state: 'queued' })
        .execute();
    });
    const change = {
      kind: 'add' as const,
      filename: 'f',
      reason: null,
      account: null,
      recorded_at: 1,
      publication: null,
    };
    const add = (): Promise<number> =>
      records.write(
        async (tx) => (await tx.insertInto('changes').values(change).returning('id').executeTakeFirstOrThrow()).id,
      );
    const first = await add();
    await records.write((tx) => tx.deleteFrom('changes').execute());
    const second = await add();
    assert.equal(typeof first, 'number');
    assert.ok(second > first);
  });
}

function writers(kind: string, open: Open): void {
  test(`${kind}: transactions run one after another, those of others who opened the records too`, async (t) => {
    const [one, two] = [await open(t, 'counted'), await open(t, 'counted')];
    await addAccount(one, 'ann');
    const increment = (records: Records): Promise<unknown> =>
      records.write(async (tx) => {
        const { created_at } = await tx.selectFrom('accounts').select('created_at').executeTakeFirstOrThrow();
        await tx
          .updateTable('accounts')
          .set({ created_at: created_at + 1 })
          .execute();
      });
    await Promise.all(Array.from({ length: 60 }, (_, i) => increment(i % 2 === 0 ? one : two)));
    const row = await two.read.selectFrom('accounts').select('created_at').executeTakeFirst();
    assert.equal(row?.created_at, 61);
  });
}

function endings(kind: string, open: Open): void {
  test(`${kind}: closing lets transactions that were begun or wait end, and takes no more`, async (t) => {
    const records = await open(t, 'closed');
    const begun = ['a', 'b', 'c'].map((name) => addAccount(records, name));
    const closing = records.close();
    await assert.rejects(addAccount(records, 'd'), IndexClosedError);
    await Promise.all(begun);
    await closing;
    const again = await open(t, 'closed');
    assert.deepEqual(await accountNames(again), ['a', 'b', 'c']);
  });
}

function follows(kind: string, open: Open): void {
  test(`${kind}: which projects a key signs for follows where they stand, however that is written`, async (t) => {
    const records = await open(t, 'standing-keys');
    const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    const common = { bin: 1, standing: 'claimed', role: 'project.x', threshold: 1, rotations: 0 } as const;
    const row = { ...common, generation: 1, since: 1, account: null, revoked_at: null };
    const put = (project: string, keys: string | null): Promise<unknown> =>
      records.write((db) =>
        db
          .insertInto('standings')
          .values({ ...row, project, keys })
          .onConflict((conflict) => conflict.column('project').doUpdateSet({ keys }))
          .execute(),
      );
    const said = async (): Promise<string[]> => {
      const rows = await records.read.selectFrom('standing_keys').selectAll().execute();
      return rows.map(({ keyid, project }) => `${keyid.slice(0, 2)} ${project}`).sort();
    };
    await put('one', `{"${a}":{"keyval":{"public":"\\u0000\\n"}},"${b}":{}}`);
    await put('two', `{"${a}":{}}`);
    await put('quiet', null);
    assert.deepEqual(await said(), ['aa one', 'aa two', 'bb one']);
    await put('one', `{"${b}":{},"${c}":{}}`);
    assert.deepEqual(await said(), ['aa two', 'bb one', 'cc one']);
    await put('two', null);
    await put('quiet', `{"${a}":{}}`);
    assert.deepEqual(await said(), ['aa quiet', 'bb one', 'cc one']);
    await records.write((db) =>
      sql`insert into standings (project, bin, standing, keys, rotations, generation, since)
      select 'three', 1, 'claimed', keys, 0, 1, 1 from standings where project = 'one'`.execute(db),
    );
    assert.deepEqual(await said(), ['aa quiet', 'bb one', 'bb three', 'cc one', 'cc three']);
    await records.write((db) =>
      db.updateTable('standings').set({ project: 'four' }).where('project', '=', 'three').execute(),
    );
    assert.deepEqual(await said(), ['aa quiet', 'bb four', 'bb one', 'cc four', 'cc one']);
    await records.write((db) => db.deleteFrom('standings').where('project', '<>', 'quiet').execute());
    assert.deepEqual(await said(), ['aa quiet']);
    await records.write((db) => db.deleteFrom('standings').execute());
    assert.deepEqual(await said(), []);
  });
}
