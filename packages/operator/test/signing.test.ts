import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { revocationJson, rotationJson, signMetadata } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import {
  ExportRefusedError,
  HoldersError,
  loadExport,
  mergeSignatures,
  NothingToSignError,
  OfflineFileError,
  planSigning,
  readSignatures,
  signPlan,
  SignaturesRefusedError,
  writeDecided,
  writeSignatures,
} from '../src/index.ts';
import { payloadOf } from '../src/signing/payload.ts';
import { claimOf, exported, newWorld, planned, projectMetadata, publish, quietOf } from './support/world.ts';

const DAY = 86_400_000;
const names = (roles: readonly { role: string }[]): string[] => roles.map(({ role }) => role);

test('a claim moves to the offline keys, and two holders who read the same export sign identical bytes (M9)', async (t) => {
  const world = await newWorld(t);
  const dev = await generateKey('ed25519');
  const path = await exported(world, {}, [
    { kind: 'claim', claim: await claimOf({ project: 'flask', signers: [dev] }) },
    { kind: 'quiet', quiet: quietOf('old-thing', ['1.0', '1.1']) },
  ]);
  const [one, other] = [await planned(path), await planned(path)];
  assert.deepEqual(names(one.plan.roles), ['claimed', 'rarely-updated']);
  for (const [at, role] of one.plan.roles.entries()) {
    const twin = other.plan.roles[at];
    assert.deepEqual(twin && payloadOf(twin), payloadOf(role));
    assert.equal(role.version, 2);
  }
  await publish(world, path);
  const after = await loadExport(await exported(world, {}));
  const claimed = after.present.trees.get('claimed')?.tree.projects.get(normalizeName('flask'));
  assert.deepEqual([claimed?.role, claimed?.keys.map(({ keyid }) => keyid)], ['project.flask', [dev.key.keyid]]);
  assert.equal(after.present.trees.get('rarely-updated')?.tree.targets.size, 2);
});

test('holders sign in any order, apart, and the index gets the same bytes', async (t) => {
  const world = await newWorld(t);
  const path = await exported(world, {}, [{ kind: 'quiet', quiet: quietOf('old', ['1.0']) }]);
  const { plan, loaded } = await planned(path);
  const signers = world.holders.get('rarely-updated') ?? [];
  const files = [];
  for (const [at, signer] of signers.entries()) {
    const file = join(world.directory, `signatures-${at}`);
    await writeSignatures(file, { id: loaded.id, signatures: await signPlan(plan, [signer]) });
    files.push(await readSignatures(file));
  }
  const all = await mergeSignatures(plan, loaded.id, files);
  assert.deepEqual(await mergeSignatures(plan, loaded.id, files.toReversed()), all);
  assert.deepEqual([...all.roles.keys()], ['rarely-updated']);
  await assert.rejects(mergeSignatures(plan, loaded.id, files.slice(0, 1)), /rarely-updated need.* 1 of 2 are there/);
  const twice = mergeSignatures(
    plan,
    loaded.id,
    [files[0], files[0]].flatMap((file) => file ?? []),
  );
  await assert.rejects(twice, SignaturesRefusedError, 'one holder twice is one holder');
});

test('a signature of another export, by another key or damaged is refused by name, and nothing comes out', async (t) => {
  const world = await newWorld(t);
  const path = await exported(world, {}, [{ kind: 'quiet', quiet: quietOf('old', ['1.0']) }]);
  const { plan, loaded } = await planned(path);
  const signatures = await signPlan(plan, world.holders.get('rarely-updated') ?? []);
  const merge = (changed: typeof signatures, id = loaded.id) =>
    mergeSignatures(plan, loaded.id, [{ id, signatures: changed }]);
  await assert.rejects(merge(signatures, 'f'.repeat(64)), /another file/);
  const [first, ...rest] = signatures;
  assert.ok(first);
  await assert.rejects(merge([{ ...first, sig: 'ab'.repeat(64) }, ...rest]), /signature/);
  await assert.rejects(merge([{ ...first, version: 3 }, ...rest]), /signed something else as rarely-updated/);
  await assert.rejects(merge([{ ...first, sha256: '00'.repeat(32) }, ...rest]), /signed something else/);
  await assert.rejects(merge([{ ...first, role: 'claimed' }, ...rest]), /claimed, which is not to be signed/);
  await assert.rejects(merge([{ ...first, keyid: '00' }, ...rest]), /00 is no key of rarely-updated/);
  await assert.rejects(signPlan(plan, [await generateKey('ed25519')]), NothingToSignError);
  await merge(signatures);
});

test('what did not change is not signed again until it nears its expiry; then all of it is (D17)', async (t) => {
  const world = await newWorld(t);
  assert.deepEqual((await planned(await exported(world, {}))).plan.roles, []);
  world.now = new Date(world.now.getTime() + 300 * DAY);
  const { plan } = await planned(await exported(world, {}));
  assert.deepEqual(names(plan.roles), ['root', 'targets', 'claimed', 'rarely-updated', 'rarely-updated.closed']);
  assert.deepEqual(new Set(plan.roles.map(({ why }) => why)), new Set(['renewed']));
  await publish(world, await exported(world, {}));
  assert.deepEqual((await planned(await exported(world, {}))).plan.roles, []);
});

test('a claim that its keys did not sign, or whose keyid is wrong, never becomes claimed (M6)', async (t) => {
  const world = await newWorld(t);
  const [dev, thief] = [await generateKey('ed25519'), await generateKey('ed25519')];
  const forged = await claimOf({ project: 'forged', signers: [dev] }, { metadata: await projectMetadata([thief]) });
  const renamed = await claimOf({ project: 'renamed', signers: [dev] }, { role: 'project.other' });
  const key = { ...dev.key, keyid: 'ab'.repeat(32) };
  const wrong = await claimOf({ project: 'wrong', signers: [dev] }, { keys: [key] });
  const { plan } = await planned(
    await exported(
      world,
      {},
      [forged, renamed, wrong].map((claim) => ({ kind: 'claim', claim })),
    ),
  );
  assert.deepEqual(plan.roles, []);
  assert.deepEqual(
    plan.claims.outcomes.map(({ becomes }) => becomes),
    ['waits', 'waits', 'waits'],
  );
  assert.match(plan.claims.outcomes.map(({ why }) => why).join(), /0 valid signatures.*is no role of it.*wrong keyid/);
});

test('new keys need the signatures of the keys before them, or the holders who accept them in the file (M2, M11)', async (t) => {
  const world = await newWorld(t);
  const [old, fresh] = [await generateKey('ed25519'), await generateKey('ed25519')];
  const first = await claimOf({ project: 'flask', signers: [old] });
  const role = 'project.flask';
  const rotation = await signMetadata(rotationJson({ role, version: 1, keys: [fresh.key], threshold: 1 }), [old]);
  const forged = await signMetadata(rotationJson({ role, version: 1, keys: [fresh.key], threshold: 1 }), [fresh]);
  const revocation = await signMetadata(revocationJson({ role, version: 1 }), [old]);
  const at = new Date('2026-02-25T00:00:00.000Z');
  const claim = await claimOf({ project: 'flask', signers: [fresh] });
  const outcome = async (events: typeof claim.events): Promise<string> => {
    const item = { kind: 'claim', claim: { ...claim, events } } as const;
    const { plan } = await planned(await exported(world, {}, [item]));
    return plan.claims.outcomes[0]?.why ?? 'none';
  };
  assert.equal(await outcome([...first.events, { kind: 'rotation', at, bytes: rotation }]), '');
  assert.match(await outcome([...first.events, { kind: 'rotation', at, bytes: forged }]), /keys before did not sign/);
  assert.equal(await outcome([...claim.events, ...claim.events]), '', 'who claims twice vouches for the same keys');
  assert.match(await outcome([...first.events, ...claim.events]), /claimed again, and the keys before did not sign/);
  assert.match(await outcome(first.events), /does not lead to those that it has/);
  const again = [...first.events, { kind: 'revocation', at, bytes: revocation } as const, ...claim.events];
  assert.match(await outcome(again), /claimed again after its keys were revoked/);

  const path = await exported(world, {}, [{ kind: 'claim', claim: { ...claim, events: again } }]);
  const decided = join(world.directory, 'decided');
  const flask = normalizeName('flask');
  const id = await writeDecided(path, decided, { accept: new Set([flask]), exclude: new Set() });
  const { loaded, plan } = await planned(decided);
  assert.equal(loaded.id, id);
  assert.notEqual(id, (await loadExport(path)).id, 'signatures of one are not good for the other');
  assert.equal(plan.claims.outcomes[0]?.becomes, 'claimed');
  const excluded = join(world.directory, 'excluded');
  await writeDecided(decided, excluded, { accept: new Set([flask]), exclude: new Set([flask]) });
  assert.deepEqual((await planned(excluded)).plan.roles, []);
});

test('rotate files of a claimed project are folded into a fresh name, once its newest release is signed by the new keys', async (t) => {
  const world = await newWorld(t);
  const [old, fresh] = [await generateKey('ed25519'), await generateKey('ed25519')];
  await publish(
    world,
    await exported(world, {}, [{ kind: 'claim', claim: await claimOf({ project: 'flask', signers: [old] }) }]),
  );
  const project = normalizeName('flask');
  const json = rotationJson({ role: 'project.flask', version: 1, keys: [fresh.key], threshold: 1 });
  const rotations = [await signMetadata(json, [old])];
  const early = { project, metadata: await projectMetadata([old]), rotations };
  const waits = await planned(await exported(world, {}, [{ kind: 'rotated', rotated: early }]));
  assert.match(waits.plan.claims.outcomes[0]?.why ?? '', /not signed by its new keys yet/);
  assert.deepEqual(waits.plan.roles, []);
  const metadata = await projectMetadata([fresh], 2);
  const offer = await publish(world, await exported(world, {}, [{ kind: 'rotated', rotated: { ...early, metadata } }]));
  assert.deepEqual(offer.roles.get('project.flask.2'), metadata);
  assert.deepEqual(offer.retired, ['project.flask', 'rotate/project.flask.rotate.1']);
  const after = await loadExport(await exported(world, {}));
  const delegation = after.present.trees.get('claimed')?.tree.projects.get(project);
  assert.deepEqual([delegation?.role, delegation?.keys[0]?.keyid], ['project.flask.2', fresh.key.keyid]);
});

test('root rotates, thresholds change, a holder comes and one goes; old and new holders have to sign (P13)', async (t) => {
  const world = await newWorld(t);
  const [a, b, c] = world.holders.get('root') ?? [];
  const fresh = await generateKey('ed25519');
  assert.ok(a && b && c);
  const keys = [b.key, c.key, fresh.key];
  const path = await exported(world, { holders: new Map([['root', { keys, threshold: 3 }]]) });
  await assert.rejects(publish(world, path, [a, b, c]), /root need.* 2 of 3 are there/);
  await assert.rejects(publish(world, path, [b, fresh]), /root need/);
  await publish(world, path, [b, c, fresh]);
  const after = await loadExport(await exported(world, {}));
  assert.equal(after.present.root.signed.version, 2);
  assert.equal(after.present.root.signed.roles.get('root')?.threshold, 3);
  assert.equal(after.present.root.signed.keys.has(a.key.keyid), false, 'a key that no role names leaves');

  const unreachable = await exported(world, { holders: new Map([['root', { keys, threshold: 3 }]]) });
  await loadExport(unreachable);
  await assert.rejects(
    exported(world, { holders: new Map([['root', { keys, threshold: 4 }]]) }).then(loadExport),
    HoldersError,
  );
});

test('new holders of claimed sign its whole tree anew, and those of targets say so', async (t) => {
  const world = await newWorld(t);
  const [dev, one, two] = [await generateKey('ed25519'), await generateKey('ed25519'), await generateKey('ed25519')];
  await publish(
    world,
    await exported(world, {}, [{ kind: 'claim', claim: await claimOf({ project: 'flask', signers: [dev] }) }]),
  );
  const path = await exported(world, { holders: new Map([['claimed', { keys: [one.key, two.key], threshold: 2 }]]) });
  assert.deepEqual(names((await planned(path)).plan.roles), ['targets', 'claimed']);
  await publish(world, path, [...(world.holders.get('targets') ?? []), one, two]);
  const after = await loadExport(await exported(world, {}));
  assert.equal(after.present.trees.get('claimed')?.tree.projects.size, 1);
  assert.deepEqual(
    after.present.trees.get('claimed')?.keys.roleKeys.keyids.toSorted(),
    [one.key.keyid, two.key.keyid].sort(),
  );
});

test('an index moves between security models, and never away from its developers (M1)', async (t) => {
  const world = await newWorld(t, 'minimum');
  const [claimed, rarely] = [await generateKey('ed25519'), await generateKey('ed25519')];
  await assert.rejects(exported(world, {}).then(planned), /nobody holds keys for claimed/);
  const holders = new Map([
    ['claimed', { keys: [claimed.key], threshold: 1 }],
    ['rarely-updated', { keys: [rarely.key], threshold: 1 }],
  ] as const);
  world.holders.set('claimed', [claimed]).set('rarely-updated', [rarely]);
  await publish(world, await exported(world, { holders }));
  assert.equal((await loadExport(await exported(world, {}))).present.model, 'maximum');
  await publish(world, await exported(world, {}, [{ kind: 'quiet', quiet: quietOf('old', ['1.0']) }]));

  const offer = await publish(world, await exported(world, { model: 'legacy' }));
  assert.deepEqual(offer.retired, ['rarely-updated', 'rarely-updated.closed']);
  const dev = await generateKey('ed25519');
  await publish(
    world,
    await exported(world, { model: 'legacy' }, [
      { kind: 'claim', claim: await claimOf({ project: 'flask', signers: [dev] }) },
    ]),
  );
  const back = await exported(world, { model: 'minimum' });
  await assert.rejects(planned(back), /would take projects from the developers/);
  world.holders.set('rarely-updated', [rarely]);
  await publish(world, await exported(world, { holders }));
  const tree = (await loadExport(await exported(world, {}))).present.trees.get('rarely-updated');
  assert.equal(tree?.versions.get('rarely-updated')?.version, 3, 'versions go on where they ended');
});

test('what nothing leads to, is not signed, or skips a root is refused before anything of it is shown', async (t) => {
  const world = await newWorld(t);
  const refused = async (change: (copy: typeof world) => void, why: RegExp): Promise<void> => {
    const copy = { ...world, roles: new Map(world.roles), roots: [...world.roots] };
    change(copy);
    await assert.rejects(exported(copy, {}).then(planned), (error: Error) => {
      assert.ok(error instanceof ExportRefusedError, String(error));
      assert.match(error.message, why);
      return true;
    });
  };
  const stranger = await newWorld(t);
  const claimed = stranger.roles.get('claimed') ?? new Uint8Array();
  await refused((copy) => copy.roles.set('claimed', claimed), /claimed has 0 valid signatures/);
  await refused(
    (copy) => copy.roles.set('claimed.3', world.roles.get('claimed') ?? claimed),
    /nothing leads to some roles/,
  );
  await refused((copy) => copy.roles.set('unclaimed', claimed), /unclaimed, which offline keys do not sign/);
  await refused((copy) => copy.roles.delete('rarely-updated.closed'), /rarely-updated.closed is missing/);
  await refused((copy) => copy.roles.delete('claimed'), /delegated to, and there is none/);
  await refused((copy) => copy.roots.push(...stranger.roots), /root version 2 is missing/);
  await refused((copy) => copy.roots.splice(0, 1), /it holds no root/);
  await refused((copy) => copy.roles.delete('targets'), /targets/);
});

test('a file that is cut short, changed, or of another kind is refused, and no prefix of it is believed', async (t) => {
  const world = await newWorld(t);
  const path = await exported(world, {}, [{ kind: 'quiet', quiet: quietOf('old', ['1.0']) }]);
  const bytes = await readFile(path);
  const changed = join(world.directory, 'changed');
  const refuse = async (content: Uint8Array): Promise<void> => {
    await writeFile(changed, content);
    await assert.rejects(loadExport(changed).then(planSigning), (error: Error) => {
      assert.ok(error instanceof OfflineFileError || error instanceof ExportRefusedError, String(error));
      return true;
    });
  };
  for (const length of [0, 1, 10, bytes.length >> 1, bytes.length - 1]) await refuse(bytes.subarray(0, length));
  await refuse(Buffer.from('{"format":"holdfast-offline-export-1"}\n'));
  for (const at of [20, 200, bytes.length >> 1]) {
    const copy = Uint8Array.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0x40;
    await refuse(copy);
  }
  await writeFile(changed, Buffer.concat([bytes, Buffer.from('more')]));
  assert.equal((await loadExport(changed)).id, (await loadExport(path)).id, 'what follows the end is not read');
  await assert.rejects(readSignatures(path), OfflineFileError);
  await assert.rejects(loadExport(join(world.directory, 'none')), { code: 'ENOENT' });
});
