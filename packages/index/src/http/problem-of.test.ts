import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransactionRefusedError } from '@holdfast/trust';
import { problemOf } from './problem-of.ts';

test('a refusal is a sentence, and the names of roles in it stay as they are', () => {
  const said = (role: string | undefined, sentence: string) =>
    problemOf(new TransactionRefusedError('FORMAT', role, sentence))?.message;
  assert.equal(said('project.demo.windows', 'it is no metadata'), 'project.demo.windows: it is no metadata.');
  assert.equal(said('rotate/project.demo.rotate.1', 'no.'), 'rotate/project.demo.rotate.1: no.');
  assert.equal(said(undefined, 'it holds no role. Nothing to do.'), 'It holds no role. Nothing to do.');
});
