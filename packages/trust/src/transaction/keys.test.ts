import { test } from 'node:test';
import { makePublicKey, toJson } from '@holdfast/tuf';
import { generateExperimentalKey } from '@holdfast/tuf/node';
import {
  alice,
  bob,
  changedVersion,
  check,
  CLAIMED_STATE,
  keysOf,
  nextVersion,
  OWN,
  refused,
  transactionOf,
  UNCLAIMED_STATE,
} from '../../test/project-scene.ts';
import { MAX_KEYS } from './limits.ts';

test('keys that cannot be had, or that would harm others beside whom they stand (M7)', async () => {
  const first = await nextVersion(OWN, undefined, [alice]);
  const claiming = (keys: Map<string, (typeof alice)['key']>, threshold = 1) =>
    refused('KEYS', transactionOf({ [OWN]: first }, { claim: { keys, threshold } }), UNCLAIMED_STATE);
  const { key } = alice;
  await claiming(keysOf(alice), 2);
  await claiming(keysOf(alice), 0);
  await claiming(new Map());
  // Somebody else's keyid, or any other name.
  await claiming(new Map([[bob.key.keyid, { ...key, keyid: bob.key.keyid }]]));
  await claiming(new Map([['mine', { ...key, keyid: 'mine' }]]));
  await claiming(keysOf(alice, await generateExperimentalKey('ml-dsa-44/1')));
  const odd = [
    await makePublicKey('ed25519', 'ed25519', 'ab'),
    await makePublicKey('ed25519', 'ed25519', key.public.toUpperCase()),
    await makePublicKey('rsa', 'ed25519', key.public),
    await makePublicKey('ecdsa', 'ecdsa-sha2-nistp256', 'no PEM'),
    await makePublicKey('rsa', 'rsassa-pss-sha256', bob.key.public),
    await makePublicKey('ecdsa', 'ecdsa-sha2-nistp384', bob.key.public),
    await makePublicKey('ed25519', 'x', key.public),
    await makePublicKey('ecdsa', 'ecdsa-sha2-nistp256', bob.key.public + '\n'.repeat(2_000)),
    { ...key, json: new Map([...key.json, ['more', 'than needed']]) },
  ];
  for (const each of odd) await claiming(new Map([[each.keyid, each]]));
  const many = await Promise.all(
    Array.from({ length: MAX_KEYS + 1 }, (_, n) =>
      makePublicKey('ed25519', 'ed25519', n.toString(16).padStart(64, '0')),
    ),
  );
  await claiming(new Map(many.map((each) => [each.keyid, each])));
});

test('keys that no delegation names are few', async () => {
  const many = Array.from({ length: 10 * MAX_KEYS + 1 }, (_, n) =>
    makePublicKey('ed25519', 'ed25519', n.toString(16).padStart(64, '0')),
  );
  const listed = async (count: number) => {
    const keys = Object.fromEntries((await Promise.all(many.slice(0, count))).map((key) => [key.keyid, key.json]));
    return transactionOf({
      [OWN]: await changedVersion(OWN, CLAIMED_STATE.roles.get(OWN), [alice], (signed) =>
        new Map(signed).set('delegations', toJson({ keys, roles: [] })),
      ),
    });
  };
  await check(await listed(10 * MAX_KEYS));
  await refused('KEYS', await listed(10 * MAX_KEYS + 1));
});
