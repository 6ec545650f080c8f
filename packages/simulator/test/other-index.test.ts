import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { release } from '@holdfast/developer';
import { IndexClient } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import { forIndex, OtherIndexError } from '@holdfast/trust';
import { revocationJson, rotationJson, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { type Developer, releaseOf, scene } from '../../holdfast/test/developers.ts';
import { signTrees } from '../../index/test/support/claims.ts';
import { registerKey } from '../../index/test/support/developer.ts';
import { PASSPHRASE, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { EvilMirror, type SignedRole, stealAndReplay } from '../src/index.ts';
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

/** The stolen index lists this, and has the files of the other one. */
async function replay({ stolen, mirror, other }: Stage, role: string, signed: SignedRole): Promise<void> {
  const replayed = { listing: new Map([[role, signed]]), blobs: new Map() };
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
