import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTargets, targetsJson, type DelegatedRole, encodeJson, envelopeBytes } from '@holdfast/tuf';
import { modelOf, topDelegations, topsOf, TOPS, type SecurityModel } from './roles.ts';

const held = { keyids: ['k'], threshold: 1 };
const holders = Object.fromEntries(TOPS.map((top) => [top, held]));
const MODELS: readonly SecurityModel[] = ['minimum', 'legacy', 'maximum'];

const read = (roles: readonly DelegatedRole[]) =>
  parseTargets(
    envelopeBytes(
      encodeJson(
        targetsJson({ version: 1, expires: new Date(0), targets: new Map(), delegations: { keys: new Map(), roles } }),
      ),
      [],
    ),
  ).signed;

test('offline roles come before online ones, and only the last top ends a search (M1)', () => {
  assert.deepEqual(
    topDelegations('maximum', holders).map(({ name, terminating }) => [name, terminating]),
    [
      ['claimed', false],
      ['rarely-updated', false],
      ['recently-claimed', false],
      ['unclaimed', true],
    ],
  );
  assert.deepEqual(topsOf('legacy'), ['claimed', 'recently-claimed', 'unclaimed']);
  assert.deepEqual(topsOf('minimum'), ['unclaimed']);
});

test('a model is read off the delegations that it makes', () => {
  for (const model of MODELS) assert.equal(modelOf(read(topDelegations(model, holders))), model);
});

test('delegations in another order, ending elsewhere or of other paths are no model', () => {
  const roles = topDelegations('maximum', holders);
  const [claimed, ...others] = roles;
  assert.ok(claimed);
  const cases: (readonly DelegatedRole[])[] = [
    roles.toReversed(),
    others,
    [],
    [{ ...claimed, terminating: true }, ...others],
    [{ ...claimed, paths: ['*/*/*.whl'] }, ...others],
    [{ ...claimed, paths: ['*/*/*', '*'] }, ...others],
    [...roles, { ...claimed, name: 'more' }],
  ];
  for (const [at, list] of cases.entries()) assert.equal(modelOf(read(list)), undefined, String(at));
  assert.equal(modelOf(read([])), undefined);
  const listing = read(topDelegations('minimum', holders));
  const file = { length: 1, hashes: new Map([['sha256', 'ab']]) };
  assert.equal(modelOf({ ...listing, targets: new Map([['a/b/c', file]]) }), undefined);
});

test('a model needs holders for each of its tops', () => {
  assert.throws(() => topDelegations('legacy', { unclaimed: held, claimed: held }), /recently-claimed/);
});
