import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type JsonObject, parseJson } from '@holdfast/tuf';
import { FieldError } from '../json-fields.ts';
import { readProjectStatus } from './project-status.ts';

const flask = normalizeName('flask');
const staged = {
  filename: 'flask-1.0-py3-none-any.whl',
  sha256: 'a'.repeat(64),
  size: 12,
  upload_time: '2026-11-21T12:00:00.000Z',
  account: 'ann',
  requires_python: null,
  core_metadata: { sha256: 'b'.repeat(64), size: 3 },
};
const told = {
  project: 'flask',
  standing: 'recently-claimed',
  role: 'project.flask',
  staged: [staged],
  roles: { 'project.flask': { version: 3, metadata: '{}' } },
  retired: { 'project.flask.windows': 2 },
  next_signing: '2026-12-01T00:00:00.000Z',
  generation: 1,
  claim_waits: false,
  transactions: [
    {
      id: 7,
      waits_until: '2026-12-21T12:00:00.000Z',
      account: 'bob',
      recorded_at: '2026-11-21T12:00:00.000Z',
      roles: { 'project.flask': 'the text' },
      waiting: { 'project.flask': { signed: ['c'.repeat(64)], threshold: 2 } },
    },
  ],
  something_new: true,
};
const read = (value: object) => {
  const json = parseJson(new TextEncoder().encode(JSON.stringify(value)));
  return readProjectStatus(flask, json as JsonObject);
};

test('what waits is read, and what this version does not know is passed over (M14)', () => {
  const status = read(told);
  assert.equal(status.staged[0]?.coreMetadata?.size, 3);
  assert.deepEqual(status.retired.get('project.flask.windows'), 2);
  assert.equal(new TextDecoder().decode(status.transactions[0]?.transaction.roles.get('project.flask')), 'the text');
  assert.deepEqual(status.transactions[0]?.waiting.get('project.flask')?.threshold, 2);
  assert.deepEqual([status.transactions[0]?.id, status.transactions[0]?.waitsUntil?.getUTCDate()], [7, 21]);
  const [older] = read({ ...told, transactions: [{ recorded_at: '2026-11-21T12:00:00.000Z' }] }).transactions;
  assert.deepEqual([older?.id, older?.waitsUntil], [undefined, undefined]);
  const { staged: files, transactions, nextSigning } = read({ project: 'flask', standing: 'none', role: null });
  assert.deepEqual([files, transactions, nextSigning], [[], [], undefined]);
});

test('a status of another project, of another form, or with words that steer a terminal is refused', () => {
  for (const change of [
    { project: 'django' },
    { standing: 'something' },
    { staged: {} },
    { staged: [{ ...staged, filename: 'flask-1.0\u001b[2J.whl' }] },
    { staged: [{ ...staged, account: 'ann\u202e' }] },
    { staged: [{ ...staged, sha256: 'short' }] },
    { staged: [{ ...staged, size: -1 }] },
    { transactions: [{ roles: {} }] },
    { transactions: [{ ...told.transactions[0], id: '7/../8' }] },
    { retired: { '\u0007': 1 } },
    { next_signing: 'soon' },
  ])
    assert.throws(() => read({ ...told, ...change }), FieldError, JSON.stringify(change));
});
