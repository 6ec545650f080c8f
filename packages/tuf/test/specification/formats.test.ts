import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  canonicalize,
  encodeJson,
  FormatError,
  isJsonObject,
  parseRoot,
  parseTargets,
  parseTimestamp,
  PathPattern,
  rootJson,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
  toJson,
} from '@holdfast/tuf';
import { delegate, emptyFile, key, later, TestRepository } from '../repository.ts';
import { signedOf, updaterOf } from '../updater.ts';

const signer = await key();
const common = { version: 1, expires: later(1) };
const roleKeys = { keyids: [signer.key.keyid], threshold: 1 };
const roles = { root: roleKeys, timestamp: roleKeys, snapshot: roleKeys, targets: roleKeys };
const root = rootJson({ ...common, consistentSnapshot: false, keys: [signer.key], roles });
const timestamp = timestampJson({ ...common, snapshot: { version: 1 } });
const unsigned = (signed: unknown): Uint8Array => encodeJson(toJson({ signatures: [], signed }));
const member = (json: unknown, name: string): unknown => (json instanceof Map ? json.get(name) : undefined);

describe('specification §4: document formats', () => {
  it('unknown members count for signatures and hashes, and are kept byte for byte (§4)', async () => {
    const extended = new Map(timestamp).set('x-new', toJson({ a: [1, 'é'] }));
    const bytes = await signMetadata(extended, [signer]);
    const repository = await TestRepository.create();
    assert.deepEqual(signedOf(bytes).get('x-new'), toJson({ a: [1, 'é'] }));
    assert.deepEqual(parseTimestamp(bytes).signed.unrecognized, new Map([['x-new', toJson({ a: [1, 'é'] })]]));
    assert.deepEqual(canonicalize(signedOf(bytes)), canonicalize(extended));
    repository.extra = new Map([['x-new', 1]]);
    const tampered = Buffer.from(await repository.publishRoot())
      .toString()
      .replace('"x-new":1', '"x-new":2');
    repository.files.set('2.root.json', Buffer.from(tampered));
    await assert.rejects(updaterOf(repository).refresh(), { code: 'UNSIGNED', role: 'root' });
  });

  it('metadata is an object with signed and signatures, each signature hexadecimal text under its keyid (§4.2.1)', async () => {
    const bytes = await signMetadata(timestamp, [signer]);
    const [signature] = parseTimestamp(bytes).signatures;
    assert.equal(signature?.keyid, signer.key.keyid);
    assert.match(signature?.sig ?? '', /^[0-9a-f]{128}$/);
    for (const bad of [{ signed: timestamp }, { signatures: [] }, { signatures: [{ keyid: 'a' }], signed: timestamp }])
      assert.throws(() => parseTimestamp(encodeJson(toJson(bad))), FormatError);
    assert.throws(() => parseTimestamp(unsigned(root)), FormatError);
  });

  it('dates are YYYY-MM-DDTHH:MM:SSZ in UTC, read and written (§4.2.3)', () => {
    const written = timestampJson({
      version: 1,
      expires: new Date('1985-10-21T01:21:00.999Z'),
      snapshot: { version: 1 },
    });
    assert.equal(written.get('expires'), '1985-10-21T01:21:00Z');
    assert.equal(parseTimestamp(unsigned(written)).signed.expires.getTime(), Date.UTC(1985, 9, 21, 1, 21));
    for (const expires of [
      '1985-10-21T01:21:00',
      '1985-10-21T01:21:00+00:00',
      '1985-10-21 01:21:00Z',
      '1985-10-21T01:21Z',
    ])
      assert.throws(() => parseTimestamp(unsigned(new Map(written).set('expires', expires))), FormatError);
  });

  it('spec_version has to be a version 1 of the specification; this package writes 1.0.34 (§4.3)', () => {
    assert.equal(root.get('spec_version'), '1.0.34');
    for (const version of ['1.0.0', '1.0.34', '1.1', '1.99.0'])
      assert.equal(parseRoot(unsigned(new Map(root).set('spec_version', version))).signed.specVersion, version);
    for (const version of ['2.0.0', '0.9', '1', '', '1.0.0-x', 1])
      assert.throws(() => parseRoot(unsigned(new Map(root).set('spec_version', version))), FormatError);
  });

  it('consistent_snapshot is always written, and optional when read (§4.3, §6.2.1)', () => {
    assert.equal(root.get('consistent_snapshot'), false);
    const consistent = rootJson({ ...common, consistentSnapshot: true, keys: [signer.key], roles });
    assert.equal(consistent.get('consistent_snapshot'), true);
    const without = new Map(root);
    without.delete('consistent_snapshot');
    assert.equal(parseRoot(unsigned(without)).signed.consistentSnapshot, false);
  });

  it('a version is an integer above 0, read and written (§4.3)', () => {
    for (const version of [0, -1, 1.5, 2 ** 53])
      assert.throws(() => timestampJson({ ...common, version, snapshot: { version: 1 } }), FormatError);
    for (const version of [0, -1])
      assert.throws(() => parseTimestamp(unsigned(new Map(timestamp).set('version', version))));
  });

  it('root lists keys and threshold of all four top-level roles; a mirrors role may be there (§4.3)', () => {
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      const fewer = new Map(Object.entries(roles).filter(([name]) => name !== role));
      assert.throws(() => parseRoot(unsigned(new Map(root).set('roles', toJson(fewer)))), FormatError);
    }
    const more = toJson({ ...roles, mirrors: roleKeys });
    assert.equal(parseRoot(unsigned(new Map(root).set('roles', more))).signed.roles.size, 4);
  });

  it('a threshold is at least 1 (§4.3, §4.5)', () => {
    for (const threshold of [0, -1, '1', null]) {
      const bad = toJson({ ...roles, targets: { keyids: [], threshold } });
      assert.throws(() => parseRoot(unsigned(new Map(root).set('roles', bad))), FormatError);
    }
  });

  it('a role whose length the snapshot does not give is read up to a limit of the client (§4.4, §5.6.1)', async () => {
    const repository = await TestRepository.create();
    const length = repository.file('1.targets.json').length;
    await assert.rejects(updaterOf(repository, { limits: { targetsBytes: length - 1 } }).refresh(), { code: 'LENGTH' });
    await updaterOf(repository, { limits: { targetsBytes: length } }).refresh();
  });

  it('a snapshot lists versions, and lengths and hashes where they are wanted (§4.4)', () => {
    const hashes = new Map([['sha256', 'ab']]);
    const meta = new Map([
      ['targets.json', { version: 3 }],
      ['a.json', { version: 1, length: 5, hashes }],
    ]);
    assert.deepEqual(
      snapshotJson({ ...common, meta }).get('meta'),
      toJson({ 'targets.json': { version: 3 }, 'a.json': { version: 1, length: 5, hashes } }),
    );
  });

  it('what targets say in custom reaches the application, whatever it is (§4.5)', async () => {
    const repository = await TestRepository.create();
    const custom = toJson({ 'any thing': [1, { deep: null }] });
    assert.ok(isJsonObject(custom));
    const targets = new Map([['x', { ...emptyFile(), custom }]]);
    repository.roles.set('targets', { signers: repository.signers.targets, targets });
    await repository.publish();
    assert.deepEqual((await updaterOf(repository).targetInfo('x'))?.file.custom, custom);
  });

  it('targets may be empty: then no file is available (§4.5)', async () => {
    assert.equal(await updaterOf(await TestRepository.create()).targetInfo('x'), undefined);
  });

  it('a role has paths or path_hash_prefixes, never both, and a name of its own (§4.5)', () => {
    const listed = (list: readonly object[]) => ({
      ...common,
      _type: 'targets',
      delegations: { keys: {}, roles: list },
    });
    const expires = '2030-01-01T00:00:00Z';
    const read = (list: readonly object[]) =>
      parseTargets(unsigned({ ...listed(list), expires, spec_version: '1.0.34' })).signed.delegations?.roles;
    const role = { name: 'a', ...roleKeys, terminating: false };
    assert.equal(read([{ ...role, paths: [] }])?.length, 1);
    assert.equal(read([{ ...role, path_hash_prefixes: [] }])?.length, 1);
    assert.equal(read([role])?.length, 1);
    for (const bad of [[{ ...role, paths: [], path_hash_prefixes: [] }], [1, 2].map(() => ({ ...role, paths: [] }))])
      assert.throws(() => read(bad), FormatError);
  });

  it('a target has to be in the paths of every role of the chain, not only of the last (§4.5)', async () => {
    const repository = await TestRepository.create();
    const narrow = delegate({ name: 'a', signer, paths: ['a/*'] });
    repository.roles.set('targets', { signers: repository.signers.targets, delegations: narrow });
    repository.roles.set('a', { signers: [signer], delegations: delegate({ name: 'b', signer, paths: ['*/*', '*'] }) });
    const targets = new Map(['a/x', 'b/x', 'x'].map((path) => [path, emptyFile()]));
    repository.roles.set('b', { signers: [signer], targets });
    await repository.publish();
    const updater = updaterOf(repository);
    assert.deepEqual((await updater.targetInfo('a/x'))?.chain, ['targets', 'a', 'b']);
    assert.equal(await updater.targetInfo('b/x'), undefined);
    assert.equal(await updater.targetInfo('x'), undefined);
  });

  it('a wildcard matches within one segment of a path, as in the examples of the specification (§4.5)', () => {
    for (const [pattern, matching, others] of [
      ['targets/*.tgz', ['targets/foo.tgz', 'targets/bar.tgz'], ['targets/foo.txt', 'targets/a/foo.tgz']],
      ['foo-version-?.tgz', ['foo-version-2.tgz', 'foo-version-a.tgz'], ['foo-version-alpha.tgz', 'foo-version-/.tgz']],
      ['*.tgz', ['foo.tgz', 'bar.tgz', '.tgz'], ['targets/foo.tgz']],
      ['foo.tgz', ['foo.tgz'], ['foo.tgz ', 'a/foo.tgz', 'Foo.tgz']],
    ] as const) {
      for (const path of matching) assert.equal(new PathPattern(pattern).matches(path), true, `${pattern} ${path}`);
      for (const path of others) assert.equal(new PathPattern(pattern).matches(path), false, `${pattern} ${path}`);
    }
  });

  it('delegations are written as an array, in the order of their priority (§4.5)', () => {
    const delegations = delegate(
      { name: 'z', signer },
      { name: '10', signer },
      { name: 'a', signer },
      { name: '9', signer },
    );
    const written = member(targetsJson({ ...common, targets: new Map(), delegations }).get('delegations'), 'roles');
    assert.ok(Array.isArray(written));
    assert.deepEqual(
      written.map((role) => member(role, 'name')),
      ['z', '10', 'a', '9'],
    );
  });

  it('a timestamp describes the snapshot and nothing else (§4.6)', () => {
    const meta = timestampJson({ ...common, snapshot: { version: 7 } }).get('meta');
    assert.deepEqual(meta, toJson({ 'snapshot.json': { version: 7 } }));
    assert.throws(() =>
      parseTimestamp(unsigned(new Map(timestamp).set('meta', toJson({ 'other.json': { version: 1 } })))),
    );
  });
});
