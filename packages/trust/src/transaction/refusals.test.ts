import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import {
  envelopeBytes,
  type JsonObject,
  parseTargets,
  revocationJson,
  rotationJson,
  signMetadata,
  toJson,
} from '@holdfast/tuf';
import {
  alice,
  bob,
  changedVersion,
  check,
  CLAIMED_STATE,
  fileNamed,
  INDEX,
  keysOf,
  LATER,
  mallory,
  nextVersion,
  NOW,
  ONE,
  OWN,
  refused,
  seenFaults,
  STORED,
  toWendy,
  transactionOf,
  TWO,
  UNCLAIMED_STATE,
  wendy,
  WIN_ONE,
  WINDOWS,
} from '../../test/project-scene.ts';
import { encodeTarget } from '../target.ts';
import { projectDirectory, targetPath } from '../target-path.ts';
import { forIndex } from '../index-identity.ts';
import { MAX_ROTATIONS } from './limits.ts';
import { ProjectRoleEditor } from './role-editor.ts';
import { TRANSACTION_FAULTS, type TransactionFault } from './refused.ts';

const present = (role: string): Uint8Array => CLAIMED_STATE.roles.get(role) ?? assert.fail(role);
const own = (edit: Parameters<typeof nextVersion>[3] = () => {}, signers = [alice]) =>
  nextVersion(OWN, present(OWN), signers, edit);
const changed = (change: (signed: JsonObject) => JsonObject) => changedVersion(OWN, present(OWN), [alice], change);
const listing = (path: string, file = encodeTarget(TWO).file) =>
  changed((signed) => new Map(signed).set('targets', toJson({ [path]: { ...file, hashes: file.hashes } })));

test('nothing, too much, or what is no metadata (M6)', async () => {
  await refused('EMPTY', transactionOf({}));
  await refused('FORMAT', transactionOf({ [OWN]: Buffer.from('{}') }));
  await refused('FORMAT', transactionOf({ [OWN]: Buffer.from('no JSON') }));
  await refused('FORMAT', transactionOf({}, { rotation: Buffer.from('{}') }));
  const half = new Uint8Array(8 << 20);
  await refused('TOO_LARGE', transactionOf({ [OWN]: half, [WINDOWS]: new Uint8Array((8 << 20) + 1) }));
  await refused('TOO_LARGE', transactionOf({ [OWN]: half, [WINDOWS]: half }, { rotation: new Uint8Array(1) }));
  await refused('FORMAT', transactionOf({ [OWN]: half, [WINDOWS]: half }));
  const spaced = parseTargets(await own());
  const text = Buffer.from(spaced.signedBytes).toString().replace('{', '{ ');
  await refused('FORMAT', transactionOf({ [OWN]: envelopeBytes(Buffer.from(text), spaced.signatures) }));
});

test('a project that nobody claimed, or that somebody else did', async () => {
  const claim = { keys: keysOf(mallory), threshold: 1 };
  const first = await nextVersion(OWN, undefined, [mallory]);
  await refused('NOT_CLAIMED', transactionOf({ [OWN]: first }), UNCLAIMED_STATE);
  await refused('NOT_CLAIMED', transactionOf({ [OWN]: first }), { ...UNCLAIMED_STATE, standing: 'rarely-updated' });
  await refused('ALREADY_CLAIMED', transactionOf({ [OWN]: first }, { claim }));
  await refused('ALREADY_CLAIMED', transactionOf({ [OWN]: first }, { claim }), {
    ...CLAIMED_STATE,
    standing: 'recently-claimed',
  });
  const rotation = await signMetadata(revocationJson({ role: OWN, version: 1 }), [mallory]);
  await refused('FORMAT', transactionOf({ [OWN]: first }, { claim, rotation }), UNCLAIMED_STATE);
  await refused('EMPTY', transactionOf({}, { claim }), UNCLAIMED_STATE);
});

test('wrong, missing and broken signatures', async () => {
  await refused('WRONG_KEY', transactionOf({ [OWN]: await own(undefined, [mallory]) }));
  await refused('WRONG_KEY', transactionOf({ [OWN]: await own(undefined, [alice, mallory]) }));
  await refused('UNSIGNED', transactionOf({ [OWN]: await own(undefined, []) }));
  const { signatures } = parseTargets(await own());
  const { signedBytes } = parseTargets(await own((role) => role.setFile(TWO)));
  await refused('BAD_SIGNATURE', transactionOf({ [OWN]: envelopeBytes(signedBytes, signatures) }));
  const [signature] = signatures;
  assert.ok(signature);
  const spoiled = `${signature.sig.startsWith('0') ? '1' : '0'}${signature.sig.slice(1)}`;
  for (const sig of [spoiled, 'zz', signature.sig.slice(2)])
    await refused('BAD_SIGNATURE', transactionOf({ [OWN]: envelopeBytes(signedBytes, [{ ...signature, sig }]) }));
  // Enough signatures are there, and one of them is nobody's.
  const state = { ...CLAIMED_STATE, keys: keysOf(alice, bob) };
  const good = parseTargets(await own());
  const more = [...good.signatures, { keyid: bob.key.keyid, sig: spoiled }];
  await refused('BAD_SIGNATURE', transactionOf({ [OWN]: envelopeBytes(good.signedBytes, more) }), state);
  // Wendy's key is one of the project's, but not of this role.
  await refused('WRONG_KEY', transactionOf({ [OWN]: await own(undefined, [wendy]) }));
  await refused('WRONG_KEY', transactionOf({ [WINDOWS]: await nextVersion(WINDOWS, present(WINDOWS), [alice]) }));
});

test('a signature over control characters as JSON escapes them, which other clients would not accept', async () => {
  const role = await own((editor) => editor.setFile({ ...ONE, yanked: 'one\u0001two' }));
  assert.equal((await check(transactionOf({ [OWN]: role }))).files.get(ONE.filename)?.yanked, 'one\u0001two');
  const { signedBytes } = parseTargets(role);
  const sig = Buffer.from(await alice.sign(signedBytes)).toString('hex');
  const overEscaped = envelopeBytes(signedBytes, [{ keyid: alice.key.keyid, sig }]);
  await refused('BAD_SIGNATURE', transactionOf({ [OWN]: overEscaped }));
});

test('a version skipped or repeated, and one that is expired or never will be', async () => {
  const numbered = (version: number) => changed((signed) => new Map(signed).set('version', version));
  for (const version of [1, 2, 4]) await refused('VERSION', transactionOf({ [OWN]: await numbered(version) }));
  await check(transactionOf({ [OWN]: await numbered(3) }));
  const until = (expires: Date) => nextVersion(OWN, present(OWN), [alice], undefined, { expires });
  await refused('EXPIRED', transactionOf({ [OWN]: await until(NOW) }));
  await check(transactionOf({ [OWN]: await until(new Date(NOW.getTime() + 1000)) }));
  await check(transactionOf({ [OWN]: await until(new Date('2036-11-21T12:00:00Z')) }));
  await refused('EXPIRES_TOO_LATE', transactionOf({ [OWN]: await until(new Date('2036-11-21T12:00:01Z')) }));
  const claim = { keys: keysOf(alice), threshold: 1 };
  const second = await changedVersion(OWN, undefined, [alice], (signed) => new Map(signed).set('version', 2));
  await refused('VERSION', transactionOf({ [OWN]: second }, { claim }), UNCLAIMED_STATE);
});

test('roles of other projects, and roles that nobody delegates to (M7)', async () => {
  const bytes = await own();
  for (const role of [
    'project.flask',
    'project.demo-tools',
    'project.demo.2extra',
    'unclaimed.3f',
    'claimed',
    'targets',
    'rotate/project.demo.rotate.1',
  ]) {
    assert.equal((await refused('ROLE_NAME', transactionOf({ [OWN]: bytes, [role]: bytes }))).role, role);
  }
  for (const role of ['project.demo.linux', 'project.demo.2', 'project.demo.windows.arm'])
    await refused('ROLE_NOT_DELEGATED', transactionOf({ [OWN]: bytes, [role]: bytes }));
});

test('a delegation to a role that there is not, or that its present keys did not sign', async () => {
  const first = await nextVersion(OWN, undefined, [alice]);
  const claim = { keys: keysOf(alice), threshold: 1 };
  await refused('ROLE_MISSING', transactionOf({ 'project.demo.windows': first }, { claim }), UNCLAIMED_STATE);
  // A search meets the farm before Wendy, and would end there.
  const farmFirst = await own((editor) => {
    editor.undelegate('windows');
    editor.delegate({ ...toWendy, label: 'farm', filenames: ['*.whl'] });
    editor.delegate(toWendy);
  });
  const missing = await refused('ROLE_MISSING', transactionOf({ [OWN]: farmFirst }));
  assert.equal(missing.role, 'project.demo.farm');
  const farm = await nextVersion('project.demo.farm', undefined, [wendy]);
  await check(transactionOf({ [OWN]: farmFirst, 'project.demo.farm': farm }));
  const handedOn = await own((editor) => editor.delegate({ ...toWendy, keys: [bob.key] }));
  assert.equal((await refused('ROLE_UNSIGNED', transactionOf({ [OWN]: handedOn }))).role, WINDOWS);
  const resigned = await nextVersion(WINDOWS, present(WINDOWS), [bob]);
  await check(transactionOf({ [OWN]: handedOn, [WINDOWS]: resigned }));
});

test('a delegation outside of what one has, under another name, of another form, too deep or too many', async () => {
  const delegating = async (json: object, code: TransactionFault) => {
    const entry = { keyids: [wendy.key.keyid], threshold: 1, terminating: false, ...json };
    const delegations = toJson({ keys: { [wendy.key.keyid]: wendy.key.json }, roles: [entry] });
    const bytes = await changed((signed) => new Map(signed).set('delegations', delegations));
    await refused(code, transactionOf({ [OWN]: bytes }));
  };
  const directory = projectDirectory(normalizeName('demo'));
  const name = WINDOWS;
  const paths = [`${directory}*.whl`];
  await delegating({ name, paths: [`${projectDirectory(normalizeName('flask'))}*`] }, 'DELEGATION_OUTSIDE');
  for (const path of [
    '*/*/*',
    `${directory.slice(0, 7)}*/*`,
    `${directory}a/b`,
    directory,
    `${directory}[ab]`,
    `${directory}{a,b}`,
    'x',
  ])
    await delegating({ name, paths: [...paths, path] }, 'DELEGATION_OUTSIDE');
  await delegating({ name: 'project.flask.windows', paths }, 'DELEGATION_NAME');
  await delegating({ name: 'project.demo.2', paths }, 'DELEGATION_NAME');
  await delegating({ name: 'project.demo.windows.arm', paths }, 'DELEGATION_NAME');
  await delegating({ name: 'unclaimed', paths }, 'DELEGATION_NAME');
  await delegating({ name }, 'DELEGATION_FORM');
  await delegating({ name, paths: [] }, 'DELEGATION_FORM');
  await delegating({ name, paths: Array(33).fill(paths[0]) }, 'DELEGATION_FORM');
  await delegating({ name, paths: [`${directory}${'a'.repeat(400)}`] }, 'DELEGATION_FORM');
  await delegating({ name, path_hash_prefixes: ['00'] }, 'DELEGATION_FORM');
  await delegating({ name, paths, terminating: true }, 'DELEGATION_FORM');
  await delegating({ name, paths, keyids: ['unknown'] }, 'KEYS');
  await delegating({ name, paths, threshold: 2 }, 'KEYS');
  const bins = toJson({
    keys: {},
    succinct_roles: { bit_length: 1, name_prefix: 'project.demo.a', keyids: [], threshold: 1 },
  });
  const succinct = await changed((signed) => new Map(signed).set('delegations', bins));
  await refused('DELEGATION_FORM', transactionOf({ [OWN]: succinct }));
  const unread = toJson({ keys: { x: { keytype: 'x', scheme: 'x', keyval: { public: 'x' } } }, roles: [] });
  await refused(
    'KEYS',
    transactionOf({ [OWN]: await changed((signed) => new Map(signed).set('delegations', unread)) }),
  );
});

test('a friend who passes on more than she has, or passes on too often', async () => {
  const wider = await nextVersion(WINDOWS, present(WINDOWS), [wendy], (role) => {
    role.delegate({ ...toWendy, label: 'arm', filenames: ['*.whl'] });
  });
  const { role, message } = await refused('DELEGATION_OUTSIDE', transactionOf({ [WINDOWS]: wider }));
  assert.equal(role, 'project.demo.windows.arm');
  assert.match(message, /Nobody passes on more/);
  for (const pattern of ['é*.whl', '[a-z]*', '', ' *', '../*']) {
    const strange = await own((editor) => editor.delegate({ ...toWendy, label: 'arm', filenames: [pattern] }));
    const { message: said } = await refused('DELEGATION_OUTSIDE', transactionOf({ [OWN]: strange }));
    assert.match(said, /letters and digits of ASCII/, pattern);
    assert.doesNotMatch(said, /Nobody passes on more/, pattern);
  }
  const further = { ...toWendy, label: 'further' };
  const deep: Record<string, Uint8Array> = {};
  const names = [WINDOWS, `${WINDOWS}.further`, `${WINDOWS}.further.further`];
  for (const name of names)
    deep[name] = await nextVersion(name, CLAIMED_STATE.roles.get(name), [wendy], (editor) => editor.delegate(further));
  await refused('TOO_DEEP', transactionOf(deep));
});

test('more delegations than clients search', async () => {
  const roles: Record<string, Uint8Array> = {};
  const delegating = async (count: number) => {
    const names: string[] = [];
    roles[OWN] = await own((editor) => {
      for (let n = 0; n < count; n++) names.push(editor.delegate({ ...toWendy, label: `part${n}` }));
    });
    for (const name of names) roles[name] = await nextVersion(name, undefined, [wendy]);
    return transactionOf(roles);
  };
  await check(await delegating(9));
  await refused('TOO_MANY_DELEGATIONS', await delegating(10));
  await refused('TOO_MANY_DELEGATIONS', await delegating(11));
  // Whether anybody has signed them or not.
  const { roles: all } = await delegating(10);
  await refused('TOO_MANY_DELEGATIONS', { roles: new Map([[OWN, all.get(OWN) ?? assert.fail()]]) });
});

test('what was signed for another index, where the same keys may have claimed the same name', async () => {
  const rotation = (index: string) =>
    signMetadata(forIndex(rotationJson({ role: OWN, version: 1, keys: [alice.key, bob.key], threshold: 1 }), index), [
      alice,
    ]);
  const role = (index: string) => signMetadata(new ProjectRoleEditor(OWN, present(OWN)).build(LATER, index), [alice]);
  const other = '00'.repeat(32);
  await refused('OTHER_INDEX', transactionOf({ [OWN]: await role(other) }));
  await refused('OTHER_INDEX', transactionOf({ [OWN]: await role(INDEX) }, { rotation: await rotation(other) }));
  const own = await check(transactionOf({ [OWN]: await role(INDEX) }, { rotation: await rotation(INDEX) }));
  assert.equal(own.rotations, 1);
  const revocation = await signMetadata(forIndex(revocationJson({ role: OWN, version: 1 }), other), [alice]);
  await refused('OTHER_INDEX', transactionOf({}, { rotation: revocation }));
});

test('files outside of what is delegated, of other projects, or that no installer could use', async () => {
  const outside = await nextVersion(WINDOWS, present(WINDOWS), [wendy], (role) => role.setFile(TWO));
  assert.equal((await refused('FILE_OUTSIDE', transactionOf({ [WINDOWS]: outside }))).role, WINDOWS);
  await refused(
    'FILE_OUTSIDE',
    transactionOf({ [OWN]: await listing(targetPath(normalizeName('flask'), 'flask-1.0.tar.gz')) }),
  );
  for (const path of [
    'demo-2.0.tar.gz',
    `000000/demo/${TWO.filename}`,
    `${projectDirectory(TWO.project)}x/${TWO.filename}`,
  ])
    await refused('FILE_OUTSIDE', transactionOf({ [OWN]: await listing(path) }));
  await refused(
    'FILE_FORM',
    transactionOf({ [OWN]: await listing(`${projectDirectory(TWO.project)}flask-2.0.tar.gz`) }),
  );
  const { path, file } = encodeTarget(TWO);
  const hashes = new Map([...file.hashes, ['sha512', 'ab'.repeat(64)]]);
  await refused('FILE_FORM', transactionOf({ [OWN]: await listing(path, { ...file, hashes }) }));
  await refused('FILE_FORM', transactionOf({ [OWN]: await listing(path, { ...file, custom: new Map() }) }));
  // The owner narrows what Wendy may do, and she lists more already.
  const narrowed = await own((role) => role.delegate({ ...toWendy, filenames: ['*-win32.whl'] }));
  assert.equal((await refused('FILE_OUTSIDE', transactionOf({ [OWN]: narrowed }))).role, WINDOWS);
});

test('metadata for other bytes than the index has, or for none', async () => {
  const facts: Partial<typeof ONE>[] = [
    { sha256: 'ef'.repeat(32) },
    { size: 1 },
    { uploadTime: new Date('2026-11-20T08:00:00.124Z') },
    { requiresPython: '>=3.11' },
    { coreMetadata: { sha256: 'cd'.repeat(32), size: 513 } },
    { coreMetadata: { sha256: 'ce'.repeat(32), size: 512 } },
  ];
  const fresh = fileNamed('demo-3.0-py3-none-any.whl');
  const stored = new Map(STORED).set(fresh.filename, fresh);
  for (const fact of facts) {
    const bytes = await own((role) => role.setFile({ ...fresh, ...fact }));
    await refused('FILE_MISMATCH', transactionOf({ [OWN]: bytes }), CLAIMED_STATE, stored);
  }
  const { requiresPython: _python, ...anyPython } = fresh;
  const { coreMetadata: _metadata, ...bare } = fresh;
  for (const file of [anyPython, bare]) {
    const bytes = await own((role) => role.setFile(file));
    await refused('FILE_MISMATCH', transactionOf({ [OWN]: bytes }), CLAIMED_STATE, stored);
  }
  const exact = await own((role) => role.setFile(fresh));
  await check(transactionOf({ [OWN]: exact }), CLAIMED_STATE, stored);
  await refused('FILE_UNKNOWN', transactionOf({ [OWN]: exact }));
});

test('a published file that changes, also when the index has other bytes by now (D3)', async () => {
  const other = { ...ONE, sha256: 'ef'.repeat(32) };
  const bytes = await own((role) => role.setFile(other));
  await refused('FILE_CHANGED', transactionOf({ [OWN]: bytes }), CLAIMED_STATE, new Map([[ONE.filename, other]]));
  const longer = await own((role) => role.setFile({ ...ONE, size: 9 }));
  await refused('FILE_CHANGED', transactionOf({ [OWN]: longer }));
});

test('a file that two roles list', async () => {
  const both = await own((role) => role.setFile(WIN_ONE));
  await refused('FILE_TWICE', transactionOf({ [OWN]: both }));
  const without = await nextVersion(WINDOWS, present(WINDOWS), [wendy], (role) => role.removeFile(WIN_ONE.filename));
  assert.equal((await check(transactionOf({ [OWN]: both, [WINDOWS]: without }))).files.size, 2);
});

test('rotations: of another role, out of turn, by other keys, to keys that cannot be used, or once too often', async () => {
  const rotating = (input: Partial<Parameters<typeof rotationJson>[0]>, signers = [alice]) =>
    signMetadata(rotationJson({ role: OWN, version: 1, keys: [bob.key], threshold: 1, ...input }), signers);
  const [entry, roles] = ['rotate/project.demo.rotate.1', { [OWN]: await own(undefined, [bob]) }];
  const sending = async (code: TransactionFault, rotation: Uint8Array, state = CLAIMED_STATE) => {
    assert.equal((await refused(code, transactionOf(roles, { rotation }), state)).role?.startsWith('rotate/'), true);
  };
  await sending('ROLE_NAME', await rotating({ role: 'project.flask' }));
  await sending('ROLE_NAME', await rotating({ role: WINDOWS }));
  await sending('VERSION', await rotating({ version: 2 }));
  await sending('VERSION', await rotating({ version: 1 }), { ...CLAIMED_STATE, rotations: 1 });
  await sending('WRONG_KEY', await rotating({}, [mallory]));
  await sending('WRONG_KEY', await rotating({}, [alice, mallory]));
  await sending('KEYS', await rotating({ keys: [{ ...bob.key, keyid: 'x' }] }));
  const before = { ...CLAIMED_STATE, spentRotations: [await rotating({ keys: [wendy.key] }), await rotating({})] };
  await sending('ROTATION_REPEATED', await rotating({}, [alice, bob]), { ...before, standing: 'recently-claimed' });
  await check(transactionOf(roles, { rotation: await rotating({ keys: [bob.key, wendy.key] }) }), before);
  const full = { ...CLAIMED_STATE, rotations: MAX_ROTATIONS - 1 };
  await sending('TOO_MANY_ROTATIONS', await rotating({ version: MAX_ROTATIONS }), full);
  const revocation = await signMetadata(revocationJson({ role: OWN, version: MAX_ROTATIONS }), [alice]);
  assert.equal((await check(transactionOf({}, { rotation: revocation }), full)).revoked, true);
  const unsigned = transactionOf({ [OWN]: await own(undefined, []) }, { rotation: await rotating({}, []) });
  await refused('UNSIGNED', unsigned);
  // Without a signature by the new keys the role would be nobody's.
  await refused('ROLE_UNSIGNED', transactionOf({}, { rotation: await rotating({}) }));
  await check(transactionOf(roles, { rotation: await rotating({}, [alice, bob]) }));
  // By the new keys alone nothing is rotated.
  const { waiting } = await check(transactionOf(roles, { rotation: await rotating({}, [bob]) }));
  assert.deepEqual(waiting.get(entry), { signed: [], threshold: 1 });
});

test('a revocation with anything else, or that nobody signed who may', async () => {
  const revocation = (signers = [alice]) => signMetadata(revocationJson({ role: OWN, version: 1 }), signers);
  await refused('REVOKED', transactionOf({ [OWN]: await own() }, { rotation: await revocation() }));
  await refused('WRONG_KEY', transactionOf({}, { rotation: await revocation([mallory]) }));
  await refused('WRONG_KEY', transactionOf({}, { rotation: await revocation([wendy]) }));
  await refused('UNSIGNED', transactionOf({}, { rotation: await revocation([]) }));
});

test('every reason for a refusal occurs above, and stands in the specification', async () => {
  assert.deepEqual(
    [...TRANSACTION_FAULTS].filter((code) => !seenFaults.has(code)),
    [],
  );
  const text = await readFile(new URL('../../../../docs/formats/project-transaction.md', import.meta.url), 'utf8');
  assert.deepEqual(
    TRANSACTION_FAULTS.filter((code) => !text.includes(`\`${code}\``)),
    [],
  );
});
