import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const output = join(root, '.tools/api-docs');

test('the API documentation of @holdfast/tuf is made without a warning: every export says what it is', () => {
  rmSync(output, { recursive: true, force: true });
  // As script/docs does, but without script/setup, which may move other tests' packages away; it has been run before.
  const typedoc = ['script/api-docs/node_modules/typedoc/bin/typedoc', '--options', 'script/api-docs/typedoc.json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, typedoc, { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.doesNotMatch(stdout + stderr, /warning/);
  for (const page of [
    'classes/index.Updater.html',
    'classes/index.Repository.html',
    'classes/node.FileMetadataStore.html',
  ])
    assert.ok(existsSync(join(output, page)), page);
});
