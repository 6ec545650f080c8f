import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalizeName } from '@holdfast/python-index';
import {
  AccountUnknownError,
  FilenameTakenError,
  IndexClosedError,
  IndexError,
  ProjectFullError,
  UnsignableFileError,
} from '../src/errors.ts';
import type { NewFile } from '../src/publish/new-file.ts';
import { makeIndex, newFile, openBare, verifiedFiles } from './support/bare-index.ts';

interface Entry {
  readonly sha256: string;
  readonly size: number;
  mark: string;
  deleted: boolean;
}

/** What an index must do, said in the simplest way. */
class Model {
  readonly owners = new Map<string, string>();
  readonly files = new Map<string, Entry & { readonly project: string }>();

  bytes(project: string): number {
    const own = [...this.files.values()].filter((file) => file.project === project && !file.deleted);
    return own.reduce((sum, { size }) => sum + size, 0);
  }

  publish(file: NewFile): string {
    const owner = this.owners.get(file.project);
    const foreign = file.tokenProject !== undefined && (file.tokenProject !== file.project || owner === undefined);
    if (foreign || (owner ?? file.account) !== file.account) return 'NOT_YOUR_PROJECT';
    const before = this.files.get(file.filename);
    if (before) return before.deleted || before.sha256 !== file.sha256 ? 'FILENAME_TAKEN' : 'already-published';
    if (this.bytes(file.project) + file.size > file.limits.projectBytes) return 'PROJECT_FULL';
    this.owners.set(file.project, file.account);
    const { project, sha256, size } = file;
    this.files.set(file.filename, { project, sha256, size, mark: '', deleted: false });
    return 'published';
  }

  change(filename: string, change: (entry: Entry) => void): string {
    const entry = this.files.get(filename);
    if (!entry || entry.deleted) return 'FILE_UNKNOWN';
    change(entry);
    return 'done';
  }

  listed(project: string): Map<string, string> {
    const own = [...this.files].filter(([, file]) => file.project === project && !file.deleted);
    return new Map(own.map(([filename, { sha256, mark }]) => [filename, sha256 + mark]));
  }
}

const publish = fc.record({
  kind: fc.constant('publish' as const),
  project: fc.constantFrom('a', 'b'),
  version: fc.constantFrom('1.0', '2.0', '3.0', '4.0'),
  content: fc.constantFrom('x'.repeat(100), 'y'.repeat(150)),
  account: fc.constantFrom('ann', 'ann', 'bob'),
  token: fc.constantFrom(undefined, undefined, 'a', 'b'),
});
const change = fc.record({
  kind: fc.constantFrom('yank' as const, 'unyank' as const, 'delete' as const),
  project: fc.constantFrom('a', 'b'),
  version: fc.constantFrom('1.0', '2.0', '3.0', '4.0'),
  reason: fc.constantFrom('', 'broken', 'ümläut "quoted"'),
});
/** Uploads of one step are sent at once. */
const steps = fc.array(fc.oneof(fc.array(publish, { minLength: 1, maxLength: 8 }), change), { maxLength: 14 });

test('any sequence of publishing, yanking and deleting, also at once, ends as the rules say (P9, P10, P12)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  await index.accounts.createAccount('bob');
  let run = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const model = new Model();
      const prefix = `run${run++}`;
      const file = (project: string, version: string, content?: string): NewFile => ({
        ...newFile(`${prefix}-${project}`, version, content),
        limits: { projectBytes: 400 },
      });
      for (const step of sequence) {
        if (Array.isArray(step)) {
          const files = step.map(({ project, version, content, account, token }) => {
            const tokenProject = token === undefined ? undefined : normalizeName(`${prefix}-${token}`);
            return { ...file(project, version, content), account, tokenProject };
          });
          const outcomes = await Promise.all(files.map((each) => outcomeOf(index.publisher.publish(each))));
          assert.deepEqual(
            outcomes,
            files.map((each) => model.publish(each)),
          );
          continue;
        }
        const { project, filename } = file(step.project, step.version);
        if (step.kind === 'delete') {
          const expected = model.change(filename, (entry) => (entry.deleted = true));
          assert.equal(await doneOf(index.publisher.delete(project, filename)), expected);
        } else {
          const mark = step.kind === 'yank' ? `!${step.reason}` : '';
          const expected = model.change(filename, (entry) => (entry.mark = mark));
          const yanked = step.kind === 'yank' ? step.reason || true : false;
          assert.equal(await doneOf(index.publisher.setYanked(project, [filename], yanked)), expected);
        }
      }
      for (const name of ['a', 'b']) {
        const project = normalizeName(`${prefix}-${name}`);
        const expected = model.listed(project);
        assert.deepEqual(await verifiedFiles(made, project), expected);
        const page = await index.catalog.projectPage(project);
        assert.deepEqual(new Set(page?.files.map(({ filename }) => filename)), new Set(expected.keys()));
        assert.equal((await index.catalog.before(project, '')).projectBytes, model.bytes(project));
      }
    }),
    { numRuns: 25 },
  );
});

test('of two uploads of one name at once, equal ones both succeed and of different ones one does, in either order (issue 2)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const same = await Promise.all([1, 2, 3].map(() => index.publisher.publish(newFile('twice', '1.0', 'same'))));
  assert.deepEqual(same.map(({ outcome }) => outcome).sort(), ['already-published', 'already-published', 'published']);
  const different = await Promise.allSettled(
    ['first', 'second', 'third'].map((content) => index.publisher.publish(newFile('twice', '2.0', content))),
  );
  assert.deepEqual(
    different.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  for (const each of different.slice(1)) {
    assert.ok(each.status === 'rejected' && each.reason instanceof FilenameTakenError);
  }
  const file = newFile('twice', '2.0', 'first');
  assert.equal((await verifiedFiles(made, 'twice')).get(file.filename), file.sha256);
});

test('a deleted name is never free again, not even for its own bytes, nor after a restart (P12)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const file = newFile('gone', '1.0');
  await index.publisher.publish(file);
  await Promise.allSettled([1, 2].map(() => index.publisher.delete(file.project, file.filename)));
  await index.close();
  const again = await openBare(made.directory);
  for (const content of [undefined, 'other']) {
    await assert.rejects(again.publisher.publish(newFile('gone', '1.0', content)), FilenameTakenError);
  }
  assert.equal((await verifiedFiles(made, 'gone')).size, 0);
  assert.equal((await again.catalog.before(file.project, '')).projectBytes, 0, 'its room is free, once');
});

test('fifty uploads at once fill a project to its limit exactly', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const files = Array.from({ length: 50 }, (_, i) => ({
    ...newFile('limit', `${i}.0`, 'x'.repeat(100)),
    limits: { projectBytes: 1_000 },
  }));
  const outcomes = await Promise.allSettled(files.map((file) => index.publisher.publish(file)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10);
  for (const each of outcomes) assert.ok(each.status === 'fulfilled' || each.reason instanceof ProjectFullError);
  assert.equal((await index.catalog.before(newFile('limit', '1.0').project, '')).projectBytes, 1_000);
});

test('an upload that cannot be signed, or of nobody, is refused by itself and holds up no other', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const outcomes = await Promise.allSettled([
    index.publisher.publish({ ...newFile('odd', '1.0'), requiresPython: '\ud800' }),
    index.publisher.publish({ ...newFile('odd', '2.0'), requiresPython: '>'.repeat(100_000) }),
    index.publisher.publish({ ...newFile('odd', '3.0'), size: Number.NaN }),
    index.publisher.publish({ ...newFile('odd', '4.0'), account: 'nobody' }),
    index.publisher.publish(newFile('odd', '5.0')),
    index.publisher.publish(newFile('odd', '6.0')),
  ]);
  const reasons = outcomes.map((each) => (each.status === 'rejected' ? (each.reason as Error).constructor : undefined));
  const unsignable = UnsignableFileError;
  assert.deepEqual(reasons, [unsignable, unsignable, unsignable, AccountUnknownError, undefined, undefined]);
  await index.publisher.setYanked(newFile('odd', '5.0').project, [newFile('odd', '5.0').filename], 'half \ud800');
  const { timestampVersion } = await index.publisher.setYanked(newFile('odd', '5.0').project, [], true);
  assert.ok(timestampVersion > 0, 'nothing to yank is done at once');
  assert.match((await verifiedFiles(made, 'odd')).get(newFile('odd', '5.0').filename) ?? '', /!half \ufffd$/);
});

test('who waits when the index closes is told so, and what was recorded is published at the next start', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const files = Array.from({ length: 30 }, (_, i) => newFile('closing', `${i}.0`));
  const waiting = Promise.allSettled(files.map((file) => index.publisher.publish(file)));
  await index.close();
  await assert.rejects(index.publisher.publish(newFile('closing', '99.0')), IndexClosedError);
  const settled = await waiting;
  for (const each of settled) assert.ok(each.status === 'fulfilled' || each.reason instanceof IndexClosedError);
  const again = await openBare(made.directory);
  const verified = await verifiedFiles(made, 'closing');
  for (const [at, { filename }] of files.entries()) {
    assert.ok(settled[at]?.status === 'rejected' || verified.has(filename));
  }
  const outcomes = await Promise.all(files.map((file) => again.publisher.publish(file)));
  assert.equal(outcomes.length, 30);
});

async function outcomeOf(publishing: Promise<{ readonly outcome: string }>): Promise<string> {
  try {
    return (await publishing).outcome;
  } catch (error) {
    if (error instanceof IndexError) return error.code;
    throw error;
  }
}

const doneOf = (changing: Promise<unknown>): Promise<string> => outcomeOf(changing.then(() => ({ outcome: 'done' })));
