import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImportProblem, importFiles, linesSource, type OpenIndex } from '../src/index.ts';
import { clientOf, listed, makeIndex, newFile, openBare, uploadBare } from './support/bare-index.ts';
import { bytesOf, type Line, lines } from './support/population.ts';

const now = new Date('2026-01-01T00:00:00Z');

async function importLines(index: OpenIndex, list: readonly object[], { filesAt = '', name = 'test' } = {}) {
  const problems: ImportProblem[] = [];
  const source = linesSource({ name, input: bytesOf(list), now, ...(filesAt !== '' && { filesAt }) });
  const summary = await importFiles(index, { source, account: 'ann', onProblem: (problem) => problems.push(problem) });
  return { summary, problems };
}

test('thousands of listed files are in signed metadata at once, each with its facts; again, nothing changes', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const list = lines(300, 10);
  const { summary, problems } = await importLines(index, list);
  assert.deepEqual(problems, []);
  assert.deepEqual(summary, { added: 3000, known: 0, refused: 0, withoutBytes: 3000, timestampVersion: 2 });
  const client = clientOf(made);
  await client.refresh();
  for (const project of ['imported-0', 'imported-17', 'imported-299']) {
    const expected = list.filter((line) => line.project === project);
    assert.deepEqual(
      await listed(client, project),
      new Map(expected.map((line) => [line.filename, line.sha256 + (line.yanked === 'broken' ? '!broken' : '')])),
    );
  }
  const page = await index.catalog.projectPage(newFile('imported-0', '1.0').project);
  assert.equal(page?.files.length, 10);
  assert.equal(page?.files[0]?.requiresPython, '>=3.8');
  assert.equal(page?.files[0]?.uploadTime.toISOString(), '2020-01-02T03:04:05.678Z');
  const again = await importLines(index, list);
  assert.deepEqual([again.summary.added, again.summary.known, again.problems], [0, 3000, []]);
  const { projectBytes: sizes } = await index.catalog.before(newFile('imported-1', '1.0').project, '');
  assert.equal(
    sizes,
    list.slice(10, 20).reduce((sum, { size }) => sum + size, 0),
  );
});

test('uploads go on beside what was imported', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const list = lines(40, 5);
  await importLines(index, list);
  await uploadBare(index, 'imported-3', '2.0');
  await uploadBare(index, 'fresh', '1.0');
  const client = clientOf(made);
  await client.refresh();
  assert.equal((await listed(client, 'imported-3')).size, 6);
  assert.equal((await listed(client, 'fresh')).size, 1);
});

test('other bytes under a name, projects of others and lines that are none are told, change nothing, and stop nothing', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  await uploadBare(index, 'mine', '1.0');
  await index.accounts.createAccount('bob');
  await index.objects.put('x', new Uint8Array());
  await index.publisher.publish({ ...newFile('bobs', '1.0'), account: 'bob' });
  const [good] = lines(1, 1) as [Line];
  const mine = newFile('mine', '1.0');
  const like = { ...good, project: 'mine', filename: mine.filename, size: mine.size };
  const cases: [object, RegExp | 'known' | 'added'][] = [
    [good, 'added'],
    [good, 'known'],
    [{ ...good, sha256: 'ab'.repeat(32) }, /other bytes/],
    [{ ...like, sha256: mine.sha256 }, 'known'],
    [like, /other bytes, in mine/],
    [{ ...good, project: 'bobs', filename: 'bobs-2.0-py3-none-any.whl' }, /belongs to others: ann is no member/],
    [{ ...good, project: 'Old.Style', filename: 'Old.Style-1.0-RC1.zip' }, 'added'],
    [{ ...good, project: 'other' }, /belongs to the project imported-0/],
    [{ ...good, filename: 'imported_0-latest.tar.gz' }, /not an sdist of imported-0/],
    [{ ...good, filename: '../x-1.0.zip' }, /characters other than/],
    [{ ...good, project: '../..' }, /not a project name/],
    [{ ...good, sha256: 'AB' }, /sha256 is not/],
    [{ ...good, size: -1 }, /size is not/],
    [{ ...good, size: 2 ** 60 }, /size is not/],
    [{ ...good, upload_time: 'yesterday' }, /upload_time is not/],
    [{ ...good, yanked: 7 }, /yanked is neither/],
    [{ ...good, url: 'https://user:secret@example.org/imported_0-1.0-py3-none-any.whl' }, /url is not/],
    [{ ...good, url: 'file:///etc/passwd' }, /url is not/],
    [{ ...good, url: 'https://example.org/else.whl' }, /does not end in the filename/],
    [{ ...good, core_metadata: { sha256: 'x', size: 1 } }, /sha256 is not/],
    [[], /not a JSON object/],
    [{ project: 'x'.repeat(70_000) }, /longer than 65536 bytes/],
    [{ ...good, filename: 'imported_0-9.0-py3-none-any.whl', requires_python: '>'.repeat(1_001) }, /longer than 1000/],
  ];
  const { summary, problems } = await importLines(
    index,
    cases.map(([line]) => line),
  );
  assert.deepEqual([summary.added, summary.known], [2, 2]);
  const expected = cases.flatMap(([, outcome]) => (outcome instanceof RegExp ? [outcome] : []));
  assert.equal(summary.refused, expected.length);
  for (const reason of expected)
    assert.ok(
      problems.some((problem) => reason.test(problem.reason)),
      String(reason),
    );
  const client = clientOf(made);
  await client.refresh();
  assert.deepEqual([...(await listed(client, 'mine')).values()], [mine.sha256]);
  assert.deepEqual([...(await listed(client, 'old-style')).keys()], ['Old.Style-1.0-RC1.zip']);
});

test('an account that does not exist is refused before anything is read', async (t) => {
  const index = await openBare((await makeIndex(t)).directory);
  const source = linesSource({ name: 'x', input: bytesOf(lines(1, 1)), now });
  await assert.rejects(importFiles(index, { source, account: 'nobody' }), { code: 'ACCOUNT_UNKNOWN' });
});
