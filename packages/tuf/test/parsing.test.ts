import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeJson, FormatError, parseRoot, parseSnapshot, parseTargets, parseTimestamp, toJson } from '@holdfast/tuf';

const common = { spec_version: '1.0.34', version: 1, expires: '2030-01-01T00:00:00Z' };
const file = (signed: unknown): Uint8Array => encodeJson(toJson({ signatures: [], signed }));
const targets = (members: object) =>
  parseTargets(file({ _type: 'targets', ...common, targets: {}, ...members })).signed;
const timestamp = (members: object) =>
  parseTimestamp(file({ _type: 'timestamp', ...common, meta: { 'snapshot.json': { version: 1 } }, ...members })).signed;
const entry = (members: object) => targets({ targets: { a: { length: 1, hashes: { sha256: 'ab' }, ...members } } });
const role = (members: object) => delegating([{ name: 'r', keyids: [], threshold: 1, paths: ['*'], ...members }]);
const delegating = (roles: unknown, members: object = {}) => targets({ delegations: { keys: {}, roles, ...members } });
const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '' } };
const keys = { keyids: ['k'], threshold: 1 };
const roles = { root: keys, timestamp: keys, snapshot: keys, targets: keys };
const root = (members: object) =>
  parseRoot(file({ _type: 'root', ...common, keys: { k: key }, roles, ...members })).signed;

describe('reading metadata (§4)', () => {
  const refused: readonly (readonly [string, () => unknown])[] = [
    ...[0, -1, '1', null, undefined].map(
      (version) => [`version ${String(version)}`, () => timestamp({ version })] as const,
    ),
    ...['2.0.0', '1', '1. .', '1.0.0.0', '', '0.9', 'x'].map(
      (v) => [`spec_version ${JSON.stringify(v)}`, () => timestamp({ spec_version: v })] as const,
    ),
    ...[
      '2035',
      'Jan 1 2035',
      '2035-01-01',
      '2035-01-01T00:00:00',
      '2035-01-01T00:00:00.000Z',
      '2035-01-01T00:00:00+00:00',
      '2035-02-30T00:00:00Z',
      '2035-01-01T24:00:00Z',
      '2035-13-01T00:00:00Z',
      '2035-01-01t00:00:00z',
      '+02035-01-01T00:00:00Z',
    ].map((expires) => [`expires ${expires}`, () => timestamp({ expires })] as const),
    ['another _type', () => timestamp({ _type: 'snapshot' })],
    ['a timestamp without snapshot.json', () => timestamp({ meta: {} })],
    ['empty hashes of metadata', () => timestamp({ meta: { 'snapshot.json': { version: 1, hashes: {} } } })],
    ['a negative length of metadata', () => timestamp({ meta: { 'snapshot.json': { version: 1, length: -1 } } })],
    ['empty hashes of a target (tuf-js deviation 5)', () => entry({ hashes: {} })],
    ['a target without hashes', () => entry({ hashes: undefined })],
    ['a hash that is not lower-case hex', () => entry({ hashes: { sha256: 'AB' } })],
    ['a negative length of a target', () => entry({ length: -1 })],
    ['custom that is no object', () => entry({ custom: 1 })],
    ['a role without a name', () => role({ name: '' })],
    ['a role named like a top-level role', () => role({ name: 'targets' })],
    ['a threshold of 0', () => role({ threshold: 0 })],
    ['a keyid listed twice for a role', () => role({ keyids: ['a', 'a'] })],
    ['paths beside path_hash_prefixes', () => role({ path_hash_prefixes: ['a'] })],
    ['terminating that is no flag', () => role({ terminating: 1 })],
    ['a role delegated to twice', () => delegating([1, 2].map(() => ({ name: 'r', ...keys, paths: [] })))],
    ['roles as an object', () => delegating({})],
    [
      'roles beside succinct_roles',
      () => delegating([], { succinct_roles: { ...keys, bit_length: 1, name_prefix: 'b' } }),
    ],
    ...[0, 33].map(
      (bit_length) =>
        [
          `bit_length ${bit_length}`,
          () => delegating(undefined, { succinct_roles: { ...keys, bit_length, name_prefix: 'b' } }),
        ] as const,
    ),
    ['a root that lacks a role', () => root({ roles: { root: keys, timestamp: keys, snapshot: keys } })],
    ['a key without keyval', () => root({ keys: { k: { keytype: 'x', scheme: 'x' } } })],
    ['no signatures', () => parseTargets(encodeJson(toJson({ signed: { _type: 'targets', ...common } })))],
    ['a document that is no object', () => parseTargets(encodeJson(toJson([])))],
  ];
  for (const [what, read] of refused) it(`refuses ${what}`, () => assert.throws(read, FormatError));

  it('takes absent consistent_snapshot, terminating and targets for false, false and none (tuf-js deviation 3)', () => {
    assert.equal(root({}).consistentSnapshot, false);
    assert.equal(role({}).delegations?.roles[0]?.terminating, false);
    assert.equal(targets({ targets: undefined }).targets.size, 0);
  });

  it('takes spec_version 1.x, keys of unknown types, and further entries in a timestamp', () => {
    assert.equal(timestamp({ spec_version: '1.0' }).specVersion, '1.0');
    assert.equal(
      root({
        keys: { k: { keytype: 'sigstore-oidc', scheme: 'Fulcio', keyval: { identity: 'a', issuer: 'b' } } },
      }).keys.get('k')?.public,
      '',
    );
    assert.equal(timestamp({ meta: { 'snapshot.json': { version: 7 }, 'other.json': 'x' } }).snapshotMeta.version, 7);
  });

  it('keeps the order of delegations, and targets under any name', () => {
    const many = delegating(['b', '10', 'a', '9'].map((name) => ({ name, ...keys, paths: [] })));
    assert.deepEqual(
      many.delegations?.roles.map(({ name }) => name),
      ['b', '10', 'a', '9'],
    );
    const odd = ['constructor', '..', '%2e', 'a?b#c', '', '\u{1f600}'];
    const listed = targets({
      targets: Object.fromEntries(odd.map((name) => [name, { length: 0, hashes: { sha256: 'ab' } }])),
    }).targets;
    assert.deepEqual(new Set(listed.keys()), new Set(odd));
  });

  it('reads a snapshot with and without lengths and hashes', () => {
    const meta = { 'targets.json': { version: 1 }, 'a.json': { version: 2, length: 3, hashes: { sha256: 'ab' } } };
    const snapshot = parseSnapshot(file({ _type: 'snapshot', ...common, meta })).signed;
    assert.deepEqual(snapshot.meta.get('a.json'), { version: 2, length: 3, hashes: new Map([['sha256', 'ab']]) });
    assert.deepEqual(snapshot.meta.get('targets.json'), { version: 1 });
  });
});
