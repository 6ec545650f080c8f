import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { parseProjectRole, projectPattern, projectRole, snapshotTreeRoot } from '@holdfast/trust';
import { type DelegatedRole, LimitError, parseTimestamp, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { Lookups } from '../src/client/lookups.ts';
import { DEFAULT_LIMITS } from '../src/fetch/limits.ts';
import { Mirrors } from '../src/fetch/mirrors.ts';
import { Scene } from './scene.ts';

/** What an index that checks nothing lets the holder of a project's keys sign. */
const flask = normalizeName('flask');
const role = projectRole(flask);
const ann = await generateKey('ed25519');
let scene: Scene;

beforeEach(async () => {
  scene = await Scene.make();
  scene.repository.claims.set(flask, { project: flask, role, keys: [ann.key], threshold: 1 });
  const roles = Array.from(
    { length: 2_000 },
    (_, at): DelegatedRole => ({
      name: `${role}.x${at}`,
      keyids: [ann.key.keyid],
      threshold: 1,
      terminating: false,
      paths: [projectPattern(flask)],
    }),
  );
  const delegations = { keys: new Map([[ann.key.keyid, ann.key]]), roles };
  const expires = new Date(Math.floor(Date.now() / 1000 + 86_400) * 1000);
  const signed = targetsJson({ version: 1, expires, targets: new Map(), delegations });
  scene.repository.putSigned(role, 1, await signMetadata(signed, [ann]));
  await scene.repository.publish();
});
afterEach(() => scene.close());

test('a project that delegates to thousands is refused by itself, again and again, and no other one with it', async () => {
  for (let time = 0; time < 2; time++) {
    const client = await scene.client();
    await assert.rejects(client.project(flask), LimitError);
    assert.equal((await client.project(normalizeName('demo')))?.files.length, 1);
  }
});

test('before a lookup, the store is asked for no more roles than a search visits, whatever the stored ones name', async () => {
  const mirrors = await Mirrors.open([scene.mirror.url], {}, DEFAULT_LIMITS);
  scene.later(() => mirrors.close());
  const { files } = scene.repository;
  const root = snapshotTreeRoot(parseTimestamp(files.get('metadata/timestamp.json') ?? new Uint8Array()).signed);
  const hostile = files.get(`metadata/1.${role}.json`);
  let asked = 0;
  const stored = async (name: string): Promise<Uint8Array | undefined> => {
    asked++;
    return name === 'targets' || parseProjectRole(name) ? hostile : undefined;
  };
  const { signal } = new AbortController();
  assert.ok(await new Lookups(mirrors).request(root ?? assert.fail(), flask, { stored, signal }));
  assert.ok(asked > 32 && asked < 200, String(asked));
});
