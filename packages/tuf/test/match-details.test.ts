import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DelegatedRole, Delegations, SuccinctRoles } from '@holdfast/tuf';
import { candidatesFor, candidatesIn, delegatedKeys } from '../src/delegation/match.ts';

const keysOf = { keyids: ['k'], threshold: 1 };
const role = (name: string, more: Partial<DelegatedRole>): DelegatedRole => ({
  ...keysOf,
  name,
  terminating: false,
  ...more,
});
const listed = (...roles: readonly DelegatedRole[]): Delegations => ({ keys: new Map(), roles });
const bins = (bitLength: number): Delegations & { succinct: SuccinctRoles } => ({
  keys: new Map(),
  roles: [],
  succinct: { ...keysOf, bitLength, namePrefix: 'bin' },
});
const names = (candidates: readonly { readonly name: string }[]): readonly string[] =>
  candidates.map(({ name }) => name);

describe('delegated roles', () => {
  it('are those with some fitting pattern or some fitting prefix of the hash, up to the first terminating one (§4.5, §5.6.7)', () => {
    const delegations = listed(
      role('patterns', { paths: ['x/*', 'a/*'] }),
      role('elsewhere', { paths: ['b/*'] }),
      role('nothing', { paths: [] }),
      role('prefixes', { pathHashPrefixes: ['00', 'ab'] }),
      role('other prefixes', { pathHashPrefixes: ['ac', 'b'] }),
      role('terminating elsewhere', { paths: ['b/*'], terminating: true }),
      role('last', { pathHashPrefixes: [''], terminating: true }),
      role('behind', { paths: ['a/*'] }),
    );
    const found = candidatesFor(delegations, { path: 'a/b', hash: 'abcd' });
    assert.deepEqual(names(found), ['patterns', 'prefixes', 'last']);
    assert.deepEqual(
      found.map(({ terminating }) => terminating),
      [false, false, true],
    );
  });

  it('of succinct bins are one, which terminates (TAP 15)', () => {
    for (const [bitLength, name] of [
      [1, 'bin-1'],
      [3, 'bin-5'],
      [4, 'bin-a'],
      [5, 'bin-15'],
      [32, 'bin-abcdef01'],
    ] as const) {
      const found = candidatesFor(bins(bitLength), { path: 'a', hash: 'abcdef0123456789' });
      assert.deepEqual(found, [{ name, terminating: true }]);
    }
  });

  it('of a directory are those with some pattern that reaches into it, and all with prefixes of hashes', () => {
    const delegations = listed(
      role('reaching', { paths: ['b/*', 'a/x*'] }),
      role('elsewhere', { paths: ['b/*', 'a/b/*'], terminating: true }),
      role('nothing', { paths: [], terminating: true }),
      role('prefixes', { pathHashPrefixes: ['00'], terminating: true }),
      role('part of it', { paths: ['a/x*'], terminating: true }),
      role('all of it', { paths: ['b/*', '*/*'] }),
      role('all of it, terminating', { paths: ['b/*', '*/*'], terminating: true }),
      role('behind', { paths: ['a/*'] }),
    );
    assert.deepEqual(candidatesIn(delegations, 'a/', 32), [
      { name: 'reaching', terminating: false },
      { name: 'prefixes', terminating: false },
      { name: 'part of it', terminating: false },
      { name: 'all of it', terminating: false },
      { name: 'all of it, terminating', terminating: true },
    ]);
  });

  it('of a directory are all succinct bins, or one more than may be visited; none ends the search', () => {
    const some = (...found: readonly string[]) => found.map((name) => ({ name, terminating: false }));
    assert.deepEqual(candidatesIn(bins(2), 'a/', 32), some('bin-0', 'bin-1', 'bin-2', 'bin-3'));
    assert.deepEqual(candidatesIn(bins(32), 'a/', 2), some('bin-00000000', 'bin-00000001', 'bin-00000002'));
  });

  it('have the keys that the parent lists for their very name; a bin only under its one name and number', () => {
    const one = role('one', { paths: [], keyids: ['first'] });
    const two = role('two', { paths: [], keyids: ['second'] });
    assert.equal(delegatedKeys(listed(one, two), 'two'), two);
    assert.equal(delegatedKeys(listed(one, two), 'three'), undefined);
    assert.equal(delegatedKeys(undefined, 'one'), undefined);
    const delegations = bins(3);
    for (const name of ['bin-0', 'bin-7']) assert.equal(delegatedKeys(delegations, name), delegations.succinct);
    for (const name of ['bin-8', 'bin-f', 'bin-03', 'bin-', 'bin-3 ', 'bin- 3', 'bin-A', 'bin3', 'bam-3', 'bin', ''])
      assert.equal(delegatedKeys(delegations, name), undefined, name);
  });
});
