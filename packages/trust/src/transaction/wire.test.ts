import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSignature, revocationJson, signMetadata } from '@holdfast/tuf';
import {
  alice,
  bob,
  keysOf,
  nextVersion,
  ONE,
  OWN,
  transactionOf,
  TWO,
  WINDOWS,
  wendy,
} from '../../test/project-scene.ts';
import { mergeTransactions } from './merge.ts';
import type { ProjectTransaction } from './transaction.ts';
import { decodeTransaction, encodeTransaction } from './wire.ts';

const own = await nextVersion(OWN, undefined, [], (role) => role.setFile({ ...ONE, yanked: 'naïve\u0001' }));
const windows = await nextVersion(WINDOWS, undefined, [wendy]);
const rotation = await signMetadata(revocationJson({ role: OWN, version: 1 }), []);
const claim = { keys: keysOf(alice, bob), threshold: 2 };
const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test('a transaction is read as it was sent, every byte of its roles (M5)', () => {
  for (const transaction of [
    transactionOf({ [OWN]: own, [WINDOWS]: windows }),
    transactionOf({ [OWN]: own }, { claim }),
    transactionOf({}, { rotation }),
  ]) {
    const read = decodeTransaction(encodeTransaction(transaction));
    assert.deepEqual([...read.roles.keys()].sort(), [...transaction.roles.keys()].sort());
    for (const [role, bytes] of transaction.roles)
      assert.deepEqual(Buffer.from(read.roles.get(role) ?? []), Buffer.from(bytes));
    assert.deepEqual(read.claim, transaction.claim);
    assert.deepEqual(Buffer.from(read.rotation ?? []), Buffer.from(transaction.rotation ?? []));
  }
});

test('members that are not known are ignored, and what is missing is nothing (M14)', () => {
  assert.deepEqual(decodeTransaction(text({ later: [1] })), { roles: new Map() });
});

test('what is no transaction is refused with its place', () => {
  const cases: [Uint8Array, RegExp][] = [
    [text([]), /transaction: should be an object/],
    [text({ roles: [] }), /roles: should be an object/],
    [text({ roles: { [OWN]: {} } }), /roles.project.demo: should be a string/],
    [text({ rotation: 1 }), /rotation: should be a string/],
    [text({ claim: {} }), /claim.threshold/],
    [text({ claim: { threshold: 1 } }), /claim.keys: should be an object/],
    [text({ claim: { threshold: 1, keys: { a: {} } } }), /claim.keys.a.keyval: should be an object/],
    [text({ claim: { threshold: 1, keys: { a: { keyval: { public: 1 }, keytype: 'a', scheme: 'a' } } } }), /public/],
    [Buffer.from('{"roles":{},"roles":{}}'), /twice|again/i],
    [Buffer.from([0xff]), /UTF-8/],
  ];
  for (const [bytes, problem] of cases) {
    assert.throws(
      () => decodeTransaction(bytes),
      (error: unknown) =>
        error instanceof Error && 'code' in error && error.code === 'FORMAT' && problem.test(error.message),
      String(problem),
    );
  }
  assert.throws(() => decodeTransaction(new Uint8Array((16 << 20) + 1)), { code: 'TOO_LARGE' });
});

async function signedBy(signer: typeof alice): Promise<ProjectTransaction> {
  return transactionOf(
    { [OWN]: await addSignature(own, signer), [WINDOWS]: windows },
    { claim, rotation: await addSignature(rotation, signer) },
  );
}

test('signatures that holders made each for themselves come together (M2)', async () => {
  const merged = mergeTransactions(await signedBy(alice), await signedBy(bob));
  assert.ok(merged?.rotation);
  const signers = (bytes: Uint8Array | undefined): string[] => {
    const { signatures } = JSON.parse(Buffer.from(bytes ?? []).toString()) as { signatures: { keyid: string }[] };
    return signatures.map(({ keyid }) => keyid).sort();
  };
  const both = [alice.key.keyid, bob.key.keyid].sort();
  assert.deepEqual(signers(merged.roles.get(OWN)), both);
  assert.deepEqual(signers(merged.rotation), both);
  assert.deepEqual(signers(merged.roles.get(WINDOWS)), [wendy.key.keyid]);
  assert.deepEqual(merged.claim, claim);
  // A copy in which nobody signed takes nothing away.
  const unsigned = transactionOf({ [OWN]: own, [WINDOWS]: windows }, { claim, rotation });
  assert.deepEqual(signers(mergeTransactions(merged, unsigned)?.roles.get(OWN)), both);
});

test('transactions that say different things are not merged', async () => {
  const one = await signedBy(alice);
  const other = await nextVersion(OWN, undefined, [bob], (role) => role.setFile(TWO));
  const differing: ProjectTransaction[] = [
    { ...one, roles: new Map([...one.roles, [OWN, other]]) },
    { ...one, roles: new Map([[OWN, own]]) },
    { ...one, roles: new Map([...one.roles, ['project.demo.more', windows]]) },
    {
      ...one,
      roles: new Map([
        [OWN, own],
        ['project.demo.more', windows],
      ]),
    },
    { ...one, claim: { ...claim, threshold: 1 } },
    { ...one, claim: undefined },
    { ...one, rotation: undefined },
    { ...one, rotation: await signMetadata(revocationJson({ role: OWN, version: 2 }), [bob]) },
  ];
  for (const [at, each] of differing.entries()) {
    assert.equal(mergeTransactions(one, each), undefined, String(at));
    assert.equal(mergeTransactions(each, one), undefined, String(at));
  }
});
