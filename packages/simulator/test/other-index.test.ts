import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { release } from '@holdfast/developer';
import { initIndex, openIndex, startServer } from '@holdfast/index';
import { IndexClient } from '@holdfast/installer';
import { holdCeremony, nextRoot } from '@holdfast/operator';
import { normalizeName } from '@holdfast/python-index';
import { forIndex, OtherIndexError } from '@holdfast/trust';
import { parseTargets, revocationJson, rotationJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { type Developer, releaseOf, scene } from '../../holdfast/test/developers.ts';
import { signTrees } from '../../index/test/support/claims.ts';
import { registerKey } from '../../index/test/support/developer.ts';
import { PASSPHRASE, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { EvilMirror, type Listing, type SignedRole, stealAndReplay } from '../src/index.ts';
import { upload } from '../../index/test/support/upload.ts';
import { User } from './user.ts';

/** One developer publishes the same project with the same key at two indexes; a thief has the online keys of one (D4). */
const settled = normalizeName('settled');
const ROLE = 'project.settled';

interface Stage {
  /** Whose online keys are stolen; its offline keys stand for the project. */
  readonly stolen: ServedIndexUnderTest;
  readonly mirror: EvilMirror;
  readonly other: ServedIndexUnderTest;
  readonly ann: Developer;
  /** The same person, with the same key, at the other index. */
  readonly elsewhere: Developer;
  newUser(urls?: readonly string[]): Promise<User>;
  client(user: User): Promise<IndexClient>;
}

async function publish(by: Developer, version: string): Promise<void> {
  const { outcome } = await release(by, settled, await by.build(...releaseOf('settled', version)), { claim: true });
  assert.equal(outcome.state, 'published');
}

async function setUp(t: TestContext): Promise<Stage> {
  const [here, there] = [await scene(t, 'maximum'), await scene(t, 'maximum')];
  const [ann, stranger] = [await here.developer('ann'), await there.developer('ann')];
  assert.equal((await registerKey(there.served, stranger, ann.ownSigner, stranger.ownSigner)).status, 201);
  const elsewhere = { ...stranger, signer: async () => ann.ownSigner, ownSigner: ann.ownSigner };
  await publish(ann, '1.0');
  await publish(elsewhere, '1.0');
  await publish(elsewhere, '6.6');
  const { index } = here.served;
  const claim = { project: settled, role: ROLE, keys: [ann.ownSigner.key], threshold: 1 };
  await index.importOffline(await signTrees(here.served, { claimed: [claim], rarelyUpdated: [] }, index));
  const mirror = await EvilMirror.start(here.served.url);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-other-index-'));
  t.after(async () => {
    await mirror.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    stolen: here.served,
    mirror,
    other: there.served,
    ann,
    elsewhere,
    newUser: async (urls = [mirror.url]) => User.make(await mkdtemp(join(directory, 'user-')), urls, here.served.root),
    async client({ home }) {
      const client = await IndexClient.open({ home, environment: {}, refreshAfterMs: 0 });
      t.after(() => client.close());
      return client;
    },
  };
}

/** What the developer signed at the other index. */
async function signedElsewhere({ elsewhere }: Stage) {
  await elsewhere.client.refresh();
  const { signed } = (await elsewhere.client.signing(settled)).roles[0] ?? assert.fail('not claimed');
  return signed?.version === 2 ? signed : assert.fail('not signed');
}

type Replayed = Pick<Stage, 'mirror'> & {
  readonly stolen: Pick<ServedIndexUnderTest, 'directory'>;
  readonly other: Pick<ServedIndexUnderTest, 'url'>;
};

const replay = (stage: Replayed, role: string, signed: SignedRole): Promise<void> =>
  replayAll(stage, new Map([[role, signed]]));

/** The stolen index lists these, and has the files of the other one. */
async function replayAll({ stolen, mirror, other }: Replayed, listing: Listing): Promise<void> {
  const replayed = { listing, blobs: new Map() };
  const attack = await stealAndReplay(stolen.directory, PASSPHRASE, replayed);
  mirror.attack = async (path, honest) => {
    if (!path.startsWith('/targets/')) return attack(path, honest);
    const response = await fetch(other.url + path);
    return { status: response.status, headers: new Map(), body: new Uint8Array(await response.arrayBuffer()) };
  };
}

test('what developers signed for one index is refused by installers at another one, whoever has its online keys (D4)', async (t) => {
  const stage = await setUp(t);
  const { stolen, mirror, newUser, ann, elsewhere } = stage;
  const signed = await signedElsewhere(stage);

  await t.test('pip is told no, and why; a user who knew the project before is, too', async () => {
    const old = await newUser();
    assert.deepEqual((await old.install('settled')).installed, ['settled 1.0']);
    await replay(stage, ROLE, signed);
    for (const [user, lookups] of [
      [old, true],
      [await newUser(), true],
      [await newUser(), false],
    ] as const) {
      mirror.lookups = lookups;
      const { code, installed, said, tool } = await user.install('settled');
      assert.notEqual(code, 0, tool);
      assert.deepEqual(installed, []);
      assert.match(said, /REFUSED settled/);
      assert.ok(
        said.includes(`"${ROLE}" of another index: it was signed for ${elsewhere.index}, and this is ${ann.index}`),
      );
      assert.match(said, /Nothing of it was used\./);
    }
    mirror.lookups = true;
  });

  await t.test('were it signed for no index, the same thief would have brought it to everybody', async () => {
    const { version, targets, expires } = signed;
    const bytes = await signMetadata(targetsJson({ version, expires, targets }), [ann.ownSigner]);
    await replay(stage, ROLE, { version, bytes });
    assert.deepEqual((await (await newUser()).install('settled')).installed, ['settled 6.6']);
  });

  await t.test('what was signed for this index is good wherever it moves, and on its mirrors', async () => {
    mirror.attack = (_path, honest) => honest();
    const moved = await EvilMirror.start(stolen.url);
    t.after(() => moved.close());
    const user = await newUser([moved.url, mirror.url]);
    assert.deepEqual((await user.install('settled')).installed, ['settled 1.0']);
  });
});

test('nor do keys change here, or end, because they did at the other index', async (t) => {
  const stage = await setUp(t);
  const { mirror, ann, elsewhere } = stage;
  const next = await generateKey('ed25519');
  const files = {
    rotation: rotationJson({ role: ROLE, version: 1, keys: [next.key], threshold: 1 }),
    revocation: revocationJson({ role: ROLE, version: 1 }),
  };
  for (const [kind, json] of Object.entries(files)) {
    const bytes = await signMetadata(forIndex(json, elsewhere.index), [ann.ownSigner]);
    await replay(stage, `rotate/${ROLE}.rotate.1`, { version: 1, bytes });
    const client = await stage.client(await stage.newUser());
    const isRefused = (error: unknown): boolean =>
      error instanceof OtherIndexError && error.role === `${ROLE}.rotate.1` && error.own === ann.index;
    await assert.rejects(client.project(settled), isRefused, kind);
    await assert.rejects(client.signing(settled), isRefused, kind);
    mirror.attack = (_path, honest) => honest();
    const fresh = await stage.client(await stage.newUser());
    assert.equal((await fresh.project(settled))?.files.length, 2);
  }
});

/** An index whose first metadata these holders signed, with a published file. */
async function heldBy(t: TestContext, holders: readonly Signer[], version: string) {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-held-'));
  const online = await generateKey('ed25519');
  const own = { holders: holders.length, threshold: holders.length, own: holders };
  const ceremony = await holdCeremony({
    offlineDirectory: join(parent, 'offline'),
    online: online.key,
    root: own,
    targets: own,
    lifetime: 365 * 86_400,
    now: new Date(),
    passphraseFor: async () => '',
  });
  const directory = join(parent, 'index');
  const { root, targets } = ceremony;
  await initIndex({ directory, root, targets, onlineKey: online, passphrase: PASSPHRASE });
  const index = await openIndex(directory, { passphrase: PASSPHRASE });
  const { url, close } = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 500 });
  t.after(async () => {
    await close();
    await index.close();
    await rm(parent, { recursive: true, force: true });
  });
  await index.accounts.createAccount('ann');
  const { token } = await index.accounts.createToken({ account: 'ann', label: 'test' });
  for (const file of releaseOf('settled', version)) assert.equal((await upload({ url, token }, file)).status, 200);
  return { directory, url, root, index, online, parent, fingerprint: ceremony.fingerprint };
}

test('holders with the same keys at two indexes hand neither to whoever has the online keys of both', async (t) => {
  const holders = [await generateKey('ed25519'), await generateKey('ed25519')];
  const [here, other] = [await heldBy(t, holders, '1.0'), await heldBy(t, holders, '6.6')];
  const mirror = await EvilMirror.start(here.url);
  t.after(() => mirror.close());
  const stage = { stolen: here, mirror, other };
  const newUser = async () => User.make(await mkdtemp(join(here.parent, 'user-')), [mirror.url], here.root);
  const rolesOf = async (role: string): Promise<readonly [string, SignedRole]> => {
    const bytes = (await other.index.metadata.newest(role)) ?? assert.fail(role);
    return [role, { version: parseTargets(bytes).signed.version, bytes }];
  };
  const roles = [await rolesOf('targets'), await rolesOf('unclaimed')];

  await t.test('with the other one’s targets, which lead to its own online key', async () => {
    await replayAll(stage, new Map(roles));
    const { code, installed, said } = await (await newUser()).install('settled');
    assert.notEqual(code, 0);
    assert.deepEqual(installed, []);
    assert.match(said, new RegExp(`"targets" of another index: it was signed for ${other.fingerprint}, and this is`));
  });

  await t.test('with the other one’s next root', async () => {
    const expires = new Date(Math.floor(Date.now() / 1000 + 86_400) * 1000);
    const root = await nextRoot(other.root, { expires }, holders);
    mirror.attack = await stealAndReplay(here.directory, PASSPHRASE, {
      listing: new Map(roles),
      blobs: new Map(),
      roots: [here.root, root],
    });
    const { installed, said } = await (await newUser()).install('settled');
    assert.deepEqual(installed, []);
    assert.match(said, new RegExp(`"root" of another index: it was signed for ${other.fingerprint}, and this is`));
  });

  await t.test('and what the holders signed here is good', async () => {
    mirror.attack = (_path, honest) => honest();
    assert.deepEqual((await (await newUser()).install('settled')).installed, ['settled 1.0']);
  });
});
