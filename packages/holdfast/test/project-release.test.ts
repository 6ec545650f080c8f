import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { planStaged, projectApi, type Release, release, signStaged } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { runTool } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { type Developer, releaseOf, scene } from './developers.ts';

const flask = normalizeName('flask');

async function publish(by: Developer, version: string, platforms: readonly string[] = []): Promise<Release> {
  return release(by, flask, await by.build(...releaseOf('flask', version, platforms)), { claim: true });
}

/** What a stranger's installer finds: filename and the role that lists it. */
async function found(by: Developer): Promise<readonly string[]> {
  await by.client.refresh();
  const { files = [] } = (await by.client.project(flask)) ?? {};
  return files.map(({ filename, voucher }) => `${filename} ${voucher.chain.at(-1)}`).sort();
}

test('a new project is claimed by its first release, and the installer sees both at once (M4, M5, D16)', async (t) => {
  const ann = await (await scene(t)).developer('ann');
  const { outcome, claimed, fresh } = await publish(ann, '1.0');
  assert.ok(outcome.state === 'published' && claimed);
  assert.equal(fresh.length, 2);
  assert.equal(outcome.signing.standing, 'recently-claimed');
  assert.deepEqual([...(outcome.signing.roles[0]?.keys.keys() ?? [])], [ann.ownSigner.key.keyid]);
  assert.deepEqual(await found(ann), ['flask-1.0-py3-none-any.whl project.flask', 'flask-1.0.tar.gz project.flask']);
  const years = ((outcome.signing.roles[0]?.signed?.expires.getTime() ?? 0) - Date.now()) / (365 * 86_400_000);
  assert.ok(years > 1.99 && years < 2.01);

  const again = await publish(ann, '1.0');
  assert.deepEqual([again.outcome.state, again.known.length, again.claimed], ['nothing', 2, false]);
  const next = await publish(ann, '1.1');
  assert.ok(
    next.outcome.state === 'published' && next.outcome.signing.roles[0]?.signed?.version === 2 && !next.claimed,
  );
  assert.equal((await found(ann)).length, 4);
});

test('without a claim a new project is the index’s to sign, as with twine', async (t) => {
  const ann = await (await scene(t)).developer('ann');
  const files = await ann.build(...releaseOf('flask', '1.0'));
  const { outcome } = await release(ann, flask, files, { claim: false });
  assert.ok(outcome.state === 'unsigned' && outcome.answers.length === 2);
  assert.equal((await ann.client.signing(flask)).standing, 'unclaimed');
  const minimum = await (await scene(t, 'minimum')).developer('ann');
  const built = await minimum.build(...releaseOf('flask', '1.0'));
  assert.equal((await release(minimum, flask, built, { claim: true })).outcome.state, 'unsigned');
});

test('two releases at the same time are both published, whichever comes first (M8)', async (t) => {
  const ann = await (await scene(t)).developer('ann');
  await publish(ann, '1.0');
  const outcomes = await Promise.all(['1.1', '1.2', '1.3'].map((version) => publish(ann, version)));
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome.state),
    ['published', 'published', 'published'],
  );
  assert.equal((await found(ann)).length, 8);
  assert.equal((await ann.client.signing(flask)).roles[0]?.signed?.version, 4);
});

test('two first releases at the same time, of two builds with one key, are both published (M4, M8)', async (t) => {
  const ann = await (await scene(t)).developer('ann');
  const releases = await Promise.all(['1.0', '1.1'].map((version) => publish(ann, version)));
  assert.deepEqual(
    releases.map(({ outcome }) => outcome.state),
    ['published', 'published'],
  );
  assert.equal((await found(ann)).length, 4);
});

test('whoever does not type the PIN of a token has sent nothing', async (t) => {
  const ann = await (await scene(t)).developer('ann');
  await publish(ann, '1.0');
  const asking = { ...ann.ownSigner, prepare: () => Promise.reject(new Error('no PIN')) };
  await assert.rejects(publish({ ...ann, signer: async () => asking }, '1.1'), /no PIN/);
  assert.deepEqual((await projectApi(ann, flask).status()).staged, []);
});

test('a published name never gets other content, and a changed or foreign file is refused before anything is sent (M6)', async (t) => {
  const { developer } = await scene(t);
  const ann = await developer('ann');
  await publish(ann, '1.0');
  const other = makeWheel({ name: 'flask', version: '1.0', extra: [['more.py', 'print()\n']] });
  const files = await ann.build(other);
  await assert.rejects(release(ann, flask, files, { claim: true }), { code: 'FILE_REFUSED' });
  const [file] = await ann.build(...releaseOf('flask', '2.0'));
  assert.ok(file);
  await writeFile(file.path, Buffer.alloc(file.size));
  await assert.rejects(release(ann, flask, [file], { claim: true }), { reason: 'DIGEST_MISMATCH' });
  await assert.rejects(ann.build({ filename: 'flask-3.0-py3-none-any.whl', bytes: Buffer.from('no wheel') }), {
    code: 'FILE_REFUSED',
  });
  await assert.rejects(ann.build(...releaseOf('flask', '4.0'), ...releaseOf('django', '4.0')), {
    code: 'FILE_REFUSED',
    message: /one project at a time/,
  });
  assert.equal((await found(ann)).length, 2, 'nothing of it was published');
  const bob = await developer('bob');
  await assert.rejects(publish(bob, '5.0'), { code: 'NOT_YOUR_ROLE', message: /none of those that sign for flask/ });
  assert.equal((await projectApi(ann, flask).status()).staged.length, 0, 'and nothing was sent');
});

test('what CI brought with twine waits for a key, is compared with own builds, and is published by it (M4, D4)', async (t) => {
  const { served, developer } = await scene(t);
  const ann = await developer('ann');
  await publish(ann, '1.0');
  const files = await ann.build(...releaseOf('flask', '1.1'));
  const repository = ['--repository-url', `${served.url}/legacy/`, '-u', '__token__', '-p', ann.token];
  const paths = files.map(({ path }) => path);
  const twine = await runTool('twine', ['upload', ...repository, ...paths], { cwd: ann.directory });
  assert.equal(twine.status, 0, twine.output);
  assert.equal((await found(ann)).length, 2, 'nobody can install what waits');

  const thief = makeWheel({ name: 'flask', version: '6.6', extra: [['evil.py', '']] });
  assert.equal((await upload({ url: served.url, token: ann.token }, thief)).status, 200);
  const [signing, status] = [await ann.client.signing(flask), await projectApi(ann, flask).status()];
  const { keyid } = ann.ownSigner.key;
  assert.equal(planStaged(signing, status, keyid, []).mine.length, 3);
  const [mine] = await ann.build(makeWheel({ name: 'flask', version: '6.6' }));
  assert.ok(mine);
  assert.throws(() => planStaged(signing, status, keyid, [mine]), /keeps other content under this name/);
  const plan = planStaged(signing, status, keyid, files);
  assert.ok(plan.mine.length === 2 && plan.mine.every(({ local }) => local !== undefined));
  await signStaged(ann, flask, plan, { signer: ann.ownSigner, status, claim: false });
  assert.equal((await found(ann)).length, 4);
  assert.deepEqual(
    (await projectApi(ann, flask).status()).staged.map(({ filename }) => filename),
    [thief.filename],
  );
});
