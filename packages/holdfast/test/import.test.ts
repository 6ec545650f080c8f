import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { holdfast, started } from './holdfast.ts';

test('holdfast import brings a directory in, says what it did and what not, and refuses an index that is served', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-import-'));
  t.after(() => rm(directory, { recursive: true }));
  const run = (...args: string[]) => holdfast(directory, args);
  const alone = ['root', 'targets'].flatMap((role) => [`--${role}-keys`, '1', `--${role}-threshold`, '1']);
  assert.equal((await run('init', 'index', '--offline-keys', 'offline', ...alone)).code, 0);
  await mkdir(join(directory, 'files'));
  const wheel = makeWheel();
  await writeFile(join(directory, 'files', wheel.filename), wheel.bytes);
  await writeFile(join(directory, 'files', 'broken-1.0-py3-none-any.whl'), 'no wheel');
  const bring = ['import', 'index', 'files', '--account', 'imported'];

  const nobody = await run(...bring);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /there is no account imported.\n {2}Make the account first/);
  await run('account', 'create', 'index', 'imported');
  const { code, out, err } = await run(...bring);
  assert.equal(code, 0, err);
  assert.match(out, /^1 files are new, and in signed metadata: timestamp version 2\./);
  assert.match(out, /1 were not imported\. Which, and why: holdfast-import-problems\.jsonl/);
  const [problem = ''] = (await readFile(join(directory, 'holdfast-import-problems.jsonl'), 'utf8')).split('\n');
  assert.deepEqual((JSON.parse(problem) as { item: string }).item, 'broken-1.0-py3-none-any.whl');
  const again = await run(...bring, '--json');
  const result = JSON.parse(again.out.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  assert.deepEqual([result['phase'], result['added'], result['known'], result['refused']], ['done', 0, 1, 1]);
  assert.equal((await run('check', 'index')).out, 'The records are whole.\n');

  for (const [args, reason] of [
    [['import', 'index', 'files'], /--account NAME is missing/],
    [[...bring, '--project', 'demo'], /--project is for importing from the address of an index/],
    [[...bring, '--files-at', 'nowhere'], /--files-at takes an address that ends in a slash/],
    [['import', 'index', 'none', '--account', 'imported'], /none does not exist/],
    [['import', 'index', 'http://u:p@localhost/', '--account', 'imported'], /no user name or password/],
  ] as const)
    assert.match((await run(...args)).err, reason);

  const server = await started(directory, ['serve', 'index', '--port', '0'], /Serving at (http:\S+)\n/);
  const refused = await run(...bring);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /another process serves the index.*\n {2}Stop the other process first/);
  server.child.kill('SIGTERM');
  await server.end;
});
