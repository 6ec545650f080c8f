import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeTransaction,
  MAX_TRANSACTION_BYTES,
  ProjectRoleEditor,
  type ProjectTransaction,
  targetPath,
} from '@holdfast/trust';
import { type JsonObject, parseTargets, signMetadata, type Signer, toJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { openIndex } from '../src/index.ts';
import { distributionOf, objectKeyOf } from '../src/publish/file-rows.ts';
import { loadProject } from '../src/transactions/project-record.ts';
import { verifiedFiles } from './support/bare-index.ts';
import {
  ask,
  claimed,
  claimOf,
  type Developer,
  keySignature,
  makeDeveloper,
  type Project,
  projectNamed,
  registerKey,
  send,
  signRelease,
  stage,
  statusOf,
  type Told,
  verdict,
} from './support/developer.ts';
import { recordsSnapshot } from './support/records-snapshot.ts';
import { PASSPHRASE, type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const LATER = new Date('2028-11-21T12:00:00Z');

interface Scene {
  readonly served: ServedIndexUnderTest;
  readonly ann: Developer;
  readonly bob: Developer;
  /** Of ann, with 1.0 published and 2.0 staged. */
  readonly demo: Project;
  /** Of bob, with 1.0 published. */
  readonly other: Project;
}

const two = makeWheel({ version: '2.0' });

async function makeScene(served: ServedIndexUnderTest): Promise<Scene> {
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const demo = await claimed(served, ann, 'demo', [makeWheel()]);
  const other = await claimed(served, bob, 'other', [makeWheel({ name: 'other' })]);
  await stage(served, ann, two);
  return { served, ann, bob, demo, other };
}

type Edit = (editor: ProjectRoleEditor) => void;

/** The next version of demo with what is staged, and what else `edit` does to it. */
async function release({ served, ann, demo }: Scene, edit: Edit = () => {}, signers: readonly Signer[] = [ann.signer]) {
  return { roles: new Map([[demo.role, await signRelease(served, demo, signers, edit)]]) };
}

/** The same with a change that no editor would make. */
async function changed({ served, ann, demo }: Scene, change: (signed: Map<string, unknown>) => void, expires = LATER) {
  const { state, files } = await loadProject(served.index.records.read, demo.name);
  const editor = new ProjectRoleEditor(demo.role, state.roles.get(demo.role));
  for (const row of files.values()) editor.setFile(distributionOf(row));
  const signed = new Map<string, unknown>(editor.build(expires));
  change(signed);
  const bytes = await signMetadata(toJson(signed) as JsonObject, [ann.signer]);
  return { roles: new Map([[demo.role, bytes]]) };
}

type Make = (scene: Scene) => Promise<ProjectTransaction>;
const friend = await generateKey('ed25519');
const YEAR = 365.25 * 86_400_000;
const ago = (years: number): Date => new Date(Math.floor((Date.now() - years * YEAR) / 1000) * 1000);

/** What M6 and M7 ask, and a transaction that breaks just that. */
const REFUSED: readonly (readonly [expected: string, what: string, make: Make])[] = [
  ['422 WRONG_KEY', 'signed by none of its keys', (scene) => release(scene, undefined, [friend])],
  ['422 WRONG_KEY', 'signed by somebody else as well', (s) => release(s, undefined, [s.ann.signer, s.bob.signer])],
  ['422 UNSIGNED', 'signed by nobody', (scene) => release(scene, undefined, [])],
  [
    '422 BAD_SIGNATURE',
    'a signature for other content',
    async (scene) => {
      const [bytes] = (await release(scene)).roles.values();
      const text = Buffer.from(bytes ?? [])
        .toString()
        .replace('"version":2', '"version": 2')
        .replace(': 2', ':2');
      const other = text.replace(/"upload-time":"2/, '"upload-time":"1');
      return { roles: new Map([[scene.demo.role, Buffer.from(other)]]) };
    },
  ],
  ['422 VERSION', 'a version skipped', (scene) => changed(scene, (signed) => signed.set('version', 3))],
  ['409 VERSION_TAKEN', 'a version repeated', (scene) => changed(scene, (signed) => signed.set('version', 1))],
  ['422 EXPIRED', 'expired', (scene) => changed(scene, () => {}, ago(1))],
  ['422 EXPIRES_TOO_LATE', 'valid for too long', (scene) => changed(scene, () => {}, ago(-11))],
  [
    '422 FILE_UNKNOWN',
    'a file that nobody brought',
    (scene) =>
      release(scene, (editor) => {
        const [file] = editor.files.values();
        if (file) editor.setFile({ ...file, filename: 'demo-3.0-py3-none-any.whl' });
      }),
  ],
  [
    '422 FILE_MISMATCH',
    'other content than what was brought',
    (scene) =>
      release(scene, (editor) => {
        const file = editor.files.get(two.filename);
        if (file) editor.setFile({ ...file, sha256: 'ab'.repeat(32) });
      }),
  ],
  [
    '422 FILE_CHANGED',
    'other content under a published name',
    (scene) =>
      release(scene, (editor) => {
        const file = editor.files.get(makeWheel().filename);
        if (file) editor.setFile({ ...file, sha256: 'ab'.repeat(32) });
      }),
  ],
  [
    '422 FILE_OUTSIDE',
    "a file of somebody else's project (M7)",
    async (scene) => {
      const { files } = await loadProject(scene.served.index.records.read, scene.other.name);
      const [row] = files.values();
      return changed(scene, (signed) => {
        const targets = new Map(signed.get('targets') as JsonObject);
        const json = { hashes: { sha256: row?.sha256 ?? '' }, length: row?.size ?? 0 };
        targets.set(targetPath(scene.other.name, row?.filename ?? ''), toJson(json));
        signed.set('targets', targets);
      });
    },
  ],
  [
    '422 ROLE_NAME',
    "a role of somebody else's project (M7)",
    async (scene) => {
      const { roles } = await release(scene);
      const stolen = await signRelease(scene.served, scene.other, [scene.bob.signer]);
      return { roles: new Map([...roles, [scene.other.role, stolen]]) };
    },
  ],
  [
    '422 ROLE_NAME',
    'a role of the index (M7)',
    async (scene) => {
      const [bytes = new Uint8Array()] = (await release(scene)).roles.values();
      return { roles: new Map([['unclaimed', bytes]]) };
    },
  ],
  [
    '422 DELEGATION_OUTSIDE',
    "a delegation of somebody else's files",
    (scene) =>
      changed(scene, (signed) => {
        const role = {
          name: 'project.demo.x',
          paths: [`${targetPath(scene.other.name, '')}*`],
          keyids: [friend.key.keyid],
        };
        const keys = new Map([[friend.key.keyid, friend.key.json]]);
        signed.set('delegations', { keys, roles: [{ ...role, threshold: 1, terminating: false }] });
      }),
  ],
  [
    '422 DELEGATION_NAME',
    "a delegation to a role of somebody else's project",
    (scene) =>
      changed(scene, (signed) => {
        const role = {
          name: 'project.other',
          paths: [`${targetPath(scene.demo.name, '')}*`],
          keyids: [friend.key.keyid],
        };
        const keys = new Map([[friend.key.keyid, friend.key.json]]);
        signed.set('delegations', { keys, roles: [{ ...role, threshold: 1, terminating: false }] });
      }),
  ],
  [
    '422 ROLE_NOT_DELEGATED',
    'a role that nobody delegates to',
    async (scene) => {
      const { roles } = await release(scene);
      const windows = new ProjectRoleEditor('project.demo.windows').build(LATER);
      return { roles: new Map([...roles, ['project.demo.windows', await signMetadata(windows, [friend])]]) };
    },
  ],
  ['422 EMPTY', 'nothing in it', async () => ({ roles: new Map() })],
  ['422 FORMAT', 'no metadata in it', async ({ demo }) => ({ roles: new Map([[demo.role, Buffer.from('{}')]]) })],
  ['409 ALREADY_CLAIMED', 'a claim of what is claimed', ({ served, demo, ann }) => claimOf(served, demo, [ann.signer])],
  [
    '422 FORMAT',
    'a rotation that is none',
    async ({ demo }) => ({ roles: new Map(), rotation: Buffer.from(`{"role":"${demo.role}"}`) }),
  ],
];

test('whatever breaks a rule of M6 or M7 is refused with its code, one sentence and what to do, and changes nothing', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const scene = await makeScene(served);
  const before = await recordsSnapshot(served.index);
  for (const [expected, what, make] of REFUSED) {
    const told = await send(served, scene.ann, scene.demo, await make(scene));
    assert.equal(verdict(told), expected, `${what}: ${JSON.stringify(told.body)}`);
    assert.match(String(told.body['detail']), /^\S.{20,}[.)?]/, what);
    assert.equal(await recordsSnapshot(served.index), before, `${what} changed something`);
  }
  assert.equal(
    (await send(served, scene.ann, scene.demo, await release(scene))).status,
    200,
    'the scene itself is sound',
  );
});

test('who may not, and what is no transaction, is refused before anything is looked at', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const scene = await makeScene(served);
  const { ann, bob, demo, other } = scene;
  const good = await release(scene);
  const before = await recordsSnapshot(served.index);
  const { index } = served;
  const limited = async (account: string, project: Project): Promise<string> =>
    (await index.accounts.createToken({ account, project: project.name, label: 'CI' })).token;
  const post = (token: string | undefined, body: unknown): Promise<Told> =>
    ask(served, token, 'POST projects/demo/transactions', body);
  assert.equal((await post(undefined, encodeTransaction(good))).status, 401);
  assert.equal(verdict(await post('hf_wrong', encodeTransaction(good))), '403 CREDENTIALS_WRONG');
  assert.equal(verdict(await send(served, bob, demo, good)), '403 NOT_YOUR_PROJECT');
  assert.equal(
    verdict(await post(await limited('ann', other), encodeTransaction(good))),
    '403 NOT_YOUR_PROJECT',
    'a token for another project (M7)',
  );
  assert.equal(verdict(await post(ann.token, 'not a transaction')), '422 FORMAT');
  assert.equal(verdict(await post(ann.token, Buffer.from('{'))), '422 FORMAT');
  assert.equal(verdict(await post(ann.token, { roles: { 'project.demo': 7 } })), '422 FORMAT');
  const large = Buffer.alloc(MAX_TRANSACTION_BYTES + 1, ' ');
  assert.equal(verdict(await post(ann.token, large)), '413 TOO_LARGE');
  assert.equal(await recordsSnapshot(index), before);
  const withLimited = { ...ann, token: await limited('ann', demo) };
  assert.equal((await send(served, withLimited, demo, good)).status, 200, 'a token for this project is good for it');
});

test('a claim names a present key of who makes it, and only registered keys', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const demo = projectNamed('demo');
  assert.equal(
    verdict(
      await send(served, ann, demo, { roles: new Map([[demo.role, await signRelease(served, demo, [ann.signer])]]) }),
    ),
    '422 NOT_CLAIMED',
  );
  await upload(served, makeWheel());
  const removed = await generateKey('ed25519');
  await registerKey(served, ann, removed, ann.signer);
  const removing = await keySignature(served, 'ann', removed.key, removed, 'holdfast-account-key-removal');
  await ask(served, ann.token, `DELETE account/keys/${removed.key.keyid}`, { vouchers: [removing] });
  const before = await recordsSnapshot(served.index);
  const claims: readonly (readonly [string, readonly Signer[], number?])[] = [
    ['422 CLAIM_WITHOUT_YOUR_KEY', [bob.signer]],
    ['422 KEY_NOT_REGISTERED', [ann.signer, friend]],
    ['422 KEY_NOT_REGISTERED', [ann.signer, removed]],
    ['422 KEYS', [ann.signer], 2],
    ['422 KEYS', [ann.signer], 0],
  ];
  for (const [expected, signers, threshold = 1] of claims) {
    const told = await send(served, ann, demo, await claimOf(served, demo, signers, { threshold }));
    assert.equal(verdict(told), expected, JSON.stringify(told.body));
  }
  const foreign = await claimOf(served, demo, [bob.signer]);
  assert.equal(verdict(await send(served, bob, demo, foreign)), '403 NOT_YOUR_PROJECT');
  assert.equal(await recordsSnapshot(served.index), before);
  const both = await claimOf(served, demo, [ann.signer, bob.signer], { signing: [ann.signer] });
  assert.equal((await send(served, ann, demo, both)).status, 200);
  const [kept] = await served.index.records.read.selectFrom('evidence').select(['project', 'kind']).execute();
  assert.deepEqual({ ...kept }, { project: 'demo', kind: 'claim' }, 'operators see every claim');
});

test('an index of the model minimum says that it takes no claims', async (t) => {
  const served = await serveIndex(t);
  const ann = await makeDeveloper(served, 'ann');
  await upload(served, makeWheel());
  const before = await recordsSnapshot(served.index);
  const told = await send(served, ann, projectNamed('demo'), await claimOf(served, projectNamed('demo'), [ann.signer]));
  assert.equal(verdict(told), '409 CLAIMS_NOT_TAKEN');
  assert.equal(await recordsSnapshot(served.index), before);
  assert.equal(parseTargets((await served.index.metadata.newest('targets')) ?? new Uint8Array()).signed.version, 1);
});

test('a file whose bytes are gone is not published, and its uploader is told to bring it again', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const scene = await makeScene(served);
  const { files } = await loadProject(served.index.records.read, scene.demo.name);
  const row = files.get(two.filename);
  assert.ok(row);
  await served.index.objects.delete(objectKeyOf(row));
  const before = await recordsSnapshot(served.index);
  const told = await send(served, scene.ann, scene.demo, await release(scene));
  assert.equal(verdict(told), '409 FILE_GONE');
  assert.equal(await recordsSnapshot(served.index), before);
  assert.equal((await upload(served, two)).status, 200);
  assert.equal((await send(served, scene.ann, scene.demo, await release(scene))).status, 200);
});

test('what is being published is not discarded, and no more than 16 transactions of a project wait', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const { ann, bob } = await makeScene(served);
  const { records } = served.index;
  const change = { kind: 'add', filename: two.filename, reason: null, account: 'ann', recorded_at: 1 } as const;
  await records.write((db) =>
    db
      .insertInto('changes')
      .values({ ...change, publication: null })
      .execute(),
  );
  const discarded = await ask(served, ann.token, `DELETE projects/demo/staged/${two.filename}`);
  assert.equal(verdict(discarded), '409 VERSION_TAKEN');
  assert.equal(((await statusOf(served, 'demo', ann.token))['staged'] as unknown[]).length, 1);

  const fresh = projectNamed('fresh');
  const claim = await claimOf(served, fresh, [ann.signer, bob.signer], { threshold: 2, signing: [ann.signer] });
  const row = { project: 'fresh', account: 'ann', recorded_at: 1, claim: null, state: 'waiting' } as const;
  const none = { publication: null, role: null, keys: null, threshold: null, rotations: null };
  await records.write((db) =>
    db
      .insertInto('transactions')
      .values(Array.from({ length: 16 }, () => ({ ...row, ...none, generation: null, revoked: null })))
      .execute(),
  );
  assert.equal(verdict(await send(served, ann, fresh, claim)), '409 TOO_MANY_WAITING');
  await records.write((db) => db.deleteFrom('transactions').where('state', '=', 'waiting').execute());
  assert.equal((await send(served, ann, fresh, claim)).status, 202);
});

test('an account is told of its projects: as a member, and as one whose key signs', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const { ann, bob } = await makeScene(served);
  const shared = projectNamed('shared');
  assert.equal((await send(served, ann, shared, await claimOf(served, shared, [ann.signer, bob.signer]))).status, 200);
  const projects = async ({ token }: Developer): Promise<unknown> =>
    (await ask(served, token, 'GET account')).body['projects'];
  assert.deepEqual(await projects(ann), ['demo', 'shared']);
  assert.deepEqual(await projects(bob), ['other', 'shared']);
});

test('a transaction that is recorded when the index closes is not called refused, and is published at the next start', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const scene = await makeScene(served);
  const sent = await release(scene);
  served.index.publisher.close();
  assert.equal(verdict(await send(served, scene.ann, scene.demo, sent)), '503 PUBLISH_DELAYED');
  await served.close();
  // Opening it finishes what waits.
  await (await openIndex(served.directory, { passphrase: PASSPHRASE })).close();
  assert.deepEqual([...(await verifiedFiles(served, 'demo')).keys()].sort(), [makeWheel().filename, two.filename]);
});

test('a key that a waiting claim names gives its holder no right over what the index signs for', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const demo = projectNamed('demo');
  await upload(served, makeWheel());
  const claim = await claimOf(served, demo, [ann.signer, bob.signer], { threshold: 2, signing: [ann.signer] });
  assert.equal((await send(served, ann, demo, claim)).status, 202);
  const yanked = await ask(served, bob.token, 'POST projects/demo/yank', { version: '1.0', yanked: true });
  assert.equal(verdict(yanked), '403 NOT_YOUR_PROJECT');
  assert.equal((await upload({ url: served.url, token: bob.token }, two)).status, 403);
  assert.equal((await upload(served, two)).status, 200, 'until all have signed, the index signs on');
});
