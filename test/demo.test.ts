import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

test('script/demo publishes with twine, installs with pip and uv, claims a project, and sees each attack refused, the theft of the index too (P9, P20, D9, M10)', () => {
  const { status, stdout, stderr } = spawnSync(join(root, 'script/demo'), {
    cwd: root,
    encoding: 'utf8',
    timeout: 300_000,
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  for (const sentence of [
    /each of them was signed before twine got its answer/,
    /import flask works[^]*import flask works/,
    /✓ flask-[^\n]*root → targets → unclaimed/,
    /flask is yours/,
    /1 project becomes claimed/,
    /flask {2}claimed: only its developers publish/,
    /Not a byte of it reached pip/,
    /going back is refused/,
    /Frozen metadata is worth nothing after its day/,
    /Who stole the whole index cannot forge flask/,
    /Everything held/,
  ]) {
    assert.match(stdout, sentence);
  }
});
