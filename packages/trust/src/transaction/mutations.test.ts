import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  parseTargets,
  rotationJson,
  signMetadata,
} from '@holdfast/tuf';
import fc from 'fast-check';
import {
  alice,
  bob,
  check,
  CLAIMED_STATE,
  mallory,
  nextVersion,
  OWN,
  STORED,
  TWO,
  transactionOf,
  WIN_TWO,
  WINDOWS,
  wendy,
} from '../../test/project-scene.ts';
import { TransactionRefusedError } from './refused.ts';
import type { CheckedTransaction, ProjectTransaction } from './transaction.ts';
import { decodeTransaction, encodeTransaction } from './wire.ts';

const rotation = await signMetadata(rotationJson({ role: OWN, version: 1, keys: [alice.key, bob.key], threshold: 1 }), [
  alice,
]);
const roles = {
  [OWN]: await nextVersion(OWN, CLAIMED_STATE.roles.get(OWN), [alice], (role) => {
    role.setFile(TWO);
    role.yank(TWO.filename, 'too early');
  }),
  [WINDOWS]: await nextVersion(WINDOWS, CLAIMED_STATE.roles.get(WINDOWS), [wendy], (role) => role.setFile(WIN_TWO)),
};
const valid = transactionOf(roles, { rotation });

/** What the transaction says, but for signatures that are missing. */
const said = ({ claim, role, keys, threshold, rotations, revoked, roles, retired, files }: CheckedTransaction) => ({
  claim,
  role,
  threshold,
  rotations,
  revoked,
  retired,
  files,
  keys: [...keys.keys()],
  roles: roles.map(({ role: name, version, expires }) => [name, version, expires]),
});

async function outcome(transaction: ProjectTransaction): Promise<CheckedTransaction | undefined> {
  try {
    return await check(transaction);
  } catch (error) {
    assert.ok(error instanceof TransactionRefusedError, error instanceof Error ? error.stack : String(error));
    return undefined;
  }
}

const before = said(await check(valid));

test('one byte that changes on the way is noticed, or changes nothing that is said (M5, M6)', async () => {
  const bytes = encodeTransaction(valid);
  let accepted = 0;
  const change = fc.record({
    at: fc.nat({ max: bytes.length - 1 }),
    byte: fc.nat({ max: 255 }),
    kind: fc.constantFrom('replace', 'insert', 'remove'),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ at, byte, kind }) => {
      const put = kind === 'remove' ? [] : [byte];
      const changed = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(put),
        bytes.subarray(kind === 'insert' ? at : at + 1),
      ]);
      let transaction: ProjectTransaction;
      try {
        transaction = decodeTransaction(changed);
      } catch (error) {
        assert.ok(error instanceof TransactionRefusedError);
        return;
      }
      const checked = await outcome(transaction);
      // Whole files may fall off, under a member that nobody knows: then others are still what their holders signed.
      if (!checked || transaction.roles.size < 2 || !transaction.rotation) return;
      accepted++;
      assert.deepEqual(said(checked), before);
    }),
    { numRuns: 600 },
  );
  assert.ok(accepted < 300, `${accepted} of 600 were accepted`);
});

test('roles that change places, or that somebody else signed, are refused', async () => {
  const own = roles[OWN] ?? assert.fail();
  const windows = roles[WINDOWS] ?? assert.fail();
  const byMallory = async (bytes: Uint8Array) => {
    const signed = parseJson(parseTargets(bytes).signedBytes);
    assert.ok(isJsonObject(signed));
    return signMetadata(signed, [mallory]);
  };
  for (const changed of [
    { [OWN]: windows, [WINDOWS]: own },
    { [OWN]: own, [WINDOWS]: own },
    { [OWN]: windows, [WINDOWS]: windows },
    { [OWN]: await byMallory(own), [WINDOWS]: windows },
    { [OWN]: own, [WINDOWS]: await byMallory(windows) },
  ]) {
    assert.equal(await outcome(transactionOf(changed)), undefined);
  }
});

/** One value of a tree replaced, one member taken away or given another name. */
function changedAt(value: JsonValue, pick: (count: number) => number, replacement: JsonValue): JsonValue {
  const members = isJsonObject(value) ? [...value] : isJsonArray(value) ? [...value.entries()] : [];
  const chosen = pick(members.length + 1);
  const entry = members[chosen];
  if (!entry) return replacement;
  const [name, member] = entry;
  const deeper = pick(4) > 0;
  if (isJsonArray(value)) {
    const changed = changedAt(member, pick, replacement);
    return deeper ? value.with(chosen, changed) : value.toSpliced(chosen, pick(2), member);
  }
  const object = new Map(value as JsonObject);
  if (deeper) return object.set(String(name), changedAt(member, pick, replacement));
  object.delete(String(name));
  return typeof replacement === 'string' && pick(2) > 0 ? object.set(replacement, member) : object;
}

test('whatever the holders of the keys sign is refused, or agrees with what the index has (M6, M7)', async () => {
  const [path = ''] = parseTargets(roles[OWN] ?? assert.fail()).signed.targets.keys();
  const odd: JsonValue[] = [path, path.replace('demo/', 'flask/'), 'project.flask', OWN, WINDOWS, `${OWN}.new`];
  odd.push('*', '', 'ed25519', mallory.key.keyid, '2027-01-01T00:00:00Z', 'ab'.repeat(32));
  odd.push(0, 1, -1, 2, 3, 2 ** 53 - 1, true, null, [], new Map(), new Map([['sha256', 'ab']]), mallory.key.json);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(OWN, WINDOWS),
      fc.constantFrom(...odd),
      fc.infiniteStream(fc.nat()),
      async (name, value, numbers) => {
        const stream = numbers[Symbol.iterator]();
        const pick = (count: number): number => Number(stream.next().value) % count;
        const signed = parseJson(parseTargets(roles[name] ?? assert.fail()).signedBytes);
        const changed = changedAt(signed, pick, value);
        if (!isJsonObject(changed)) return;
        const bytes = await signMetadata(changed, [name === OWN ? alice : wendy]);
        const checked = await outcome(transactionOf({ ...roles, [name]: bytes }));
        if (!checked) return;
        accepted++;
        for (const [filename, { yanked: _yanked, ...file }] of checked.files)
          assert.deepEqual(file, STORED.get(filename), filename);
        for (const { role, version } of checked.roles) assert.equal(version, role === OWN ? 3 : 2);
        assert.deepEqual([...checked.keys.keys()], [alice.key.keyid]);
      },
    ),
    { numRuns: 1_500 },
  );
  assert.ok(accepted > 20, `only ${accepted} were accepted: the test says little`);
});
