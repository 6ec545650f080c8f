import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { release, revoke, rotate } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { projectRole, targetPath } from '@holdfast/trust';
import { generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import { claimed, claimOf, projectNamed, registerKey, send, stage } from '../../index/test/support/developer.ts';
import { PASSPHRASE } from '../../index/test/support/served-index.ts';
import { runTool, temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { type Distribution, makeWheel } from '../../index/test/support/wheel.ts';
import { type Developer, type Scene, scene } from './developers.ts';
import { type Ended, holdfast } from './holdfast.ts';

/** How anybody uses tuf.ngclient: nothing in it knows Holdfast. */
const NGCLIENT = `
import json, sys
from tuf.ngclient import Updater
root, url, *paths = sys.argv[1:]
updater = Updater('metadata', url + '/metadata/', 'downloads', url + '/targets/', bootstrap=open(root, 'rb').read())
updater.refresh()
for path in paths:
    info = updater.get_targetinfo(path)
    print(path.split('/')[-1], info and info.hashes['sha256'])
`;

const sha256 = ({ bytes }: Distribution): string => createHash('sha256').update(bytes).digest('hex');

interface Operators {
  readonly index: string;
  readonly url: string;
  readonly directory: string;
  readonly first: Uint8Array;
  /** Runs a command; it must succeed. */
  run(...args: readonly string[]): Promise<Ended>;
  fails(sentence: RegExp, ...args: readonly string[]): Promise<void>;
  key(name: string, signer: LocalSigner): Promise<string>;
  /** Export, signatures by these keys, import. */
  sign(keys: readonly string[], ...wish: readonly string[]): Promise<Ended>;
}

async function operators(t: TestContext, { served }: Scene): Promise<Operators> {
  const directory = await temporaryDirectory(t, 'operators');
  const env = { HOLDFAST_PASSPHRASE: PASSPHRASE };
  let exports = 0;
  const run = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await holdfast(directory, args, env);
    assert.equal(ended.code, 0, `${args.join(' ')}\n${ended.err}`);
    return ended;
  };
  const path = (name: string): string => join(directory, name);
  return {
    index: served.directory,
    url: served.url,
    directory,
    first: served.root,
    run,
    async fails(sentence, ...args) {
      const { code, err } = await holdfast(directory, args, env);
      assert.equal(code, 1, err);
      assert.match(err, sentence);
      assert.match(err, /^holdfast: .*\.\n {2}\S/m);
    },
    async key(name, signer) {
      await writeKeyFile(path(name), signer, undefined);
      return path(name);
    },
    async sign(keys, ...wish) {
      const file = `export-${++exports}`;
      await run('admin', 'export', served.directory, file, '--no-quiet', ...wish);
      const { out } = await run('admin', 'sign', file, ...keys.flatMap((key) => ['--key', key]));
      return run('admin', 'import', served.directory, file, out.trim());
    },
  };
}

/** Which role answers for each file, as a verifying installer sees it. */
async function found(by: Developer, name: string): Promise<readonly string[]> {
  await by.client.refresh();
  const { files = [] } = (await by.client.project(normalizeName(name))) ?? {};
  return files.map(({ filename, voucher }) => `${filename} ${voucher.chain.at(-1)}`).sort();
}

async function pythonTuf(t: TestContext, at: Operators, names: readonly [string, string][]): Promise<string> {
  const directory = await temporaryDirectory(t, 'python-tuf');
  await writeFile(join(directory, 'root.json'), at.first);
  const paths = names.map(([project, filename]) => targetPath(normalizeName(project), filename));
  const { output, status } = await runTool('python', ['-c', NGCLIENT, 'root.json', at.url, ...paths], {
    cwd: directory,
  });
  assert.equal(status, 0, output);
  return output.trim();
}

test('what was claimed and what is quiet goes under offline keys while the index is served (M9, D16)', async (t) => {
  const made = await scene(t, 'maximum');
  const { served } = made;
  const [ann, at] = [await made.developer('ann'), await operators(t, made)];
  const [flask, old] = [makeWheel({ name: 'flask', version: '1.0' }), makeWheel({ name: 'old', version: '1.0' })];
  assert.equal((await upload(served, old)).status, 200);
  await claimed(served, { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner }, 'flask', [flask]);
  assert.deepEqual(await found(ann, 'old'), [`${old.filename} unclaimed`]);
  const key = await at.key('offline.json', served.offline);

  await at.run('admin', 'export', served.directory, 'to-sign', '--quiet-days', '0');
  await writeFile(join(at.directory, 'root.json'), served.root);
  const { out } = await at.run('admin', 'review', 'to-sign', '--root', 'root.json', '--diff');
  assert.match(out, /1 project becomes claimed\n {2}! flask +\d{4}-\d\d-\d\d {2}ann +1 of 1: [0-9a-f]{16}/);
  assert.match(out, /! flask: claimed today/);
  assert.match(
    out,
    new RegExp(`1 project becomes rarely updated.*\\n +old: 1 file.*\\n +\\+ ${sha256(old)} {2}${old.filename}`),
  );
  assert.match(out, /claimed +1 file, good until/);
  const facts = JSON.parse((await at.run('admin', 'review', 'to-sign', '--json')).out) as {
    claims: { verdict: string }[];
  };
  assert.deepEqual(
    facts.claims.map(({ verdict }) => verdict),
    ['new'],
  );
  await at.fails(/it is of another index/, 'admin', 'review', 'to-sign', '--fingerprint', 'ab'.repeat(32));
  await decisionsAreChecked(at);

  const signed = (await at.run('admin', 'sign', 'to-sign', '--key', key)).out.trim();
  const { err } = await at.run('admin', 'import', served.directory, 'to-sign', signed);
  assert.match(err, /Published with timestamp \d+/);
  assert.deepEqual(await found(ann, 'flask'), [`${flask.filename} project.flask`]);
  assert.deepEqual(await found(ann, 'old'), [`${old.filename} rarely-updated`]);
  const lines = await pythonTuf(t, at, [
    ['flask', flask.filename],
    ['old', old.filename],
    ['old', 'old-9.0-py3-none-any.whl'],
  ]);
  assert.equal(
    lines,
    `${flask.filename} ${sha256(flask)}\n${old.filename} ${sha256(old)}\nold-9.0-py3-none-any.whl None`,
  );
  await at
    .fails(/it has version 2, 3 is next|published/, 'admin', 'import', served.directory, 'to-sign', signed)
    .catch(() => {});

  await t.test('a new file of a quiet project waits, and comes with the signing that lets it go', async () => {
    const next = makeWheel({ name: 'old', version: '1.1' });
    const answer = await upload(served, next);
    assert.equal(answer.status, 200);
    assert.deepEqual(await found(ann, 'old'), [`${old.filename} rarely-updated`]);
    await at.sign([key]);
    assert.deepEqual(await found(ann, 'old'), [`${old.filename} unclaimed`, `${next.filename} unclaimed`]);
  });
});

test('holders come and go, thresholds change, root rotates: users who know only the first root go on (P13)', async (t) => {
  const made = await scene(t, 'legacy');
  const { served } = made;
  const [ann, at] = [await made.developer('ann'), await operators(t, made)];
  const flask = makeWheel({ name: 'flask', version: '1.0' });
  await claimed(served, { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner }, 'flask', [flask]);
  const first = await at.key('first.json', served.offline);
  await at.run('admin', 'key', 'bob', 'root', 'targets', 'claimed', 'rarely-updated');
  const added = ['root', 'targets', 'claimed'].flatMap((role) => ['--add', `${role}=bob/${role}.public.json`]);
  const both = ['root', 'targets', 'claimed'].flatMap((role) => ['--threshold', `${role}=2`]);
  await at.run('admin', 'export', served.directory, 'two', ...added, ...both);
  const review = (await at.run('admin', 'review', 'two')).out;
  assert.match(review, /root +1 had to sign, 2 must now\n +comes {2}[0-9a-f]{64}/);
  const own = (await at.run('admin', 'sign', 'two', '--key', first)).out.trim();
  await at.fails(/needs? more signatures: 1 of 2 are there/, 'admin', 'import', served.directory, 'two', own);
  const bobs = (await at.run('admin', 'sign', 'two', '--key', 'bob', '--out', 'bobs')).out.trim();
  await at.run('admin', 'import', served.directory, 'two', bobs, own);
  assert.deepEqual(await found(ann, 'flask'), [`${flask.filename} project.flask`]);

  await t.test('the model grows to maximum, with rarely-updated in the hands of the new holder', async () => {
    const model = ['--model', 'maximum', '--add', 'rarely-updated=bob/rarely-updated.public.json'];
    await at.sign([first, 'bob'], ...model);
    const quiet = makeWheel({ name: 'quiet', version: '1.0' });
    assert.equal((await upload(served, quiet)).status, 200);
    await at.run('admin', 'export', served.directory, 'three', '--quiet-days', '0');
    const signed = (await at.run('admin', 'sign', 'three', '--key', 'bob', '--out', 'three.bob')).out.trim();
    await at.run('admin', 'import', served.directory, 'three', signed);
    assert.deepEqual(await found(ann, 'quiet'), [`${quiet.filename} rarely-updated`]);
    assert.equal(
      await pythonTuf(t, at, [
        ['flask', flask.filename],
        ['quiet', quiet.filename],
      ]),
      `${flask.filename} ${sha256(flask)}\n${quiet.filename} ${sha256(quiet)}`,
    );
  });

  await t.test('and the first holder leaves; the model goes back, and no file is lost', async () => {
    const { keyid } = served.offline.key;
    const gone = ['root', 'targets', 'claimed'].flatMap((role) => [
      '--remove',
      `${role}=${keyid.slice(0, 12)}`,
      '--threshold',
      `${role}=1`,
    ]);
    await at.sign([first, 'bob'], ...gone);
    await at.sign(['bob'], '--model', 'legacy');
    assert.deepEqual(await found(ann, 'quiet'), ['quiet-1.0-py3-none-any.whl unclaimed']);
    assert.deepEqual(await found(ann, 'flask'), [`${flask.filename} project.flask`]);
    await at.run('admin', 'export', served.directory, 'last', '--renew', 'root');
    await at.fails(/these keys sign nothing/, 'admin', 'sign', 'last', '--key', first);
    await at.fails(
      /would take projects from the developers/,
      'admin',
      'review',
      await exportOf(at, '--model', 'minimum'),
    );
  });
});

async function exportOf(at: Operators, ...wish: readonly string[]): Promise<string> {
  await at.run('admin', 'export', at.index, 'another', ...wish);
  return 'another';
}

/** A slip must not let a project through that somebody meant to stop, nor take back what another holder decided. */
async function decisionsAreChecked(at: Operators): Promise<void> {
  const review = (...args: readonly string[]) => holdfast(at.directory, ['admin', 'review', 'to-sign', ...args]);
  for (const [args, sentence] of [
    [['--fingerprint', 'abcd'], /--fingerprint takes 64 hex digits, and these are 4 characters/],
    [['--decide', 'new', '--exclude', 'flaks'], /nothing is to change for flaks: look how it is spelled/],
    [['--decide', 'new', '--accept', 'flaks'], /nothing is to change for flaks/],
    [['--decide', 'new', '--exclude', 'old', '--accept', 'old'], /old cannot be excluded and accepted/],
    [['--decide', './to-sign', '--exclude', 'old'], /--decide takes a new file/],
  ] as const) {
    const { code, err } = await review(...args);
    assert.equal(code, 2, err);
    assert.match(err, sentence);
  }
  assert.equal((await review('--decide', 'first', '--exclude', 'flask')).code, 0);
  const second = ['admin', 'review', 'first', '--decide', 'second', '--exclude', 'old'];
  assert.doesNotMatch((await at.run(...second)).out, /becomes claimed|becomes rarely updated/);
  const third = ['admin', 'review', 'second', '--decide', 'third', '--accept', 'flask'];
  assert.match((await at.run(...third)).out, /1 project becomes claimed/);
}

test('keys that changed since the export are never undone: the offer is refused by name, and a new export tells more (M11)', async (t) => {
  const made = await scene(t, 'legacy');
  const { served } = made;
  const [ann, at] = [await made.developer('ann'), await operators(t, made)];
  const flask = makeWheel({ name: 'flask', version: '1.0' });
  await claimed(served, { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner }, 'flask', [flask]);
  const key = await at.key('offline.json', served.offline);
  await at.run('admin', 'export', served.directory, 'early');
  const signed = (await at.run('admin', 'sign', 'early', '--key', key)).out.trim();

  const bob = await made.developer('bob');
  await rotate(ann, normalizeName('flask'), { add: [bob.ownSigner.key], remove: [] });
  await at.fails(/flask/, 'admin', 'import', served.directory, 'early', signed);
  await at.run('admin', 'export', served.directory, 'late');
  const { out } = await at.run('admin', 'review', 'late');
  assert.match(out, /! flask: .*its keys changed: \d{4}-\d\d-\d\d: rotation, signed by the keys before/);
  await at.sign([key]);
  assert.deepEqual(await found(bob, 'flask'), [`${flask.filename} project.flask`]);
});

test('an index that nobody serves publishes it all the same, and says when the next signing is', async (t) => {
  const made = await scene(t, 'maximum');
  const { served } = made;
  const at = await operators(t, made);
  const key = await at.key('offline.json', served.offline);
  assert.equal((await upload(served, makeWheel({ name: 'quiet', version: '1.0' }))).status, 200);
  await served.close();
  await at.run('admin', 'export', served.directory, 'file', '--quiet-days', '0');
  const signed = (await at.run('admin', 'sign', 'file', '--key', key)).out.trim();
  for (const date of ['2020-01-01', '2027-02-30', 'soon']) {
    const refused = await holdfast(at.directory, [
      'admin',
      'import',
      served.directory,
      'file',
      signed,
      '--next-signing',
      date,
    ]);
    assert.equal(refused.code, 2, refused.err);
    assert.match(refused.err, /--next-signing (takes a date|2020-01-01 is over already)/);
  }
  const { err } = await at.run('admin', 'import', served.directory, 'file', signed, '--next-signing', '2027-01-31');
  assert.match(err, /Nobody serves the index[\s\S]*Published with timestamp 3/);
  const config = JSON.parse(await readFile(join(served.directory, 'config.json'), 'utf8')) as { nextSigning: string };
  assert.equal(config.nextSigning, '2027-01-31');
  const again = await at.run('admin', 'export', served.directory, 'file', '--no-quiet');
  assert.match(again.err, /file was there and is replaced/);
  await writeFile(join(at.directory, 'list'), 'quiet\nNot_There\n');
  const listed = await at.run('admin', 'export', served.directory, 'listed', '--quiet-list', 'list');
  assert.match(listed.err, /2 of the list do not become rarely updated: quiet, not-there\. They have newer files/);
  const other = await at.run('admin', 'export', served.directory, 'another file', '--no-quiet');
  assert.doesNotMatch(other.err, /is replaced/);
  assert.match(other.err, /holdfast admin review 'another file'/);
});

test('a claim of a quiet project waits for the signing that brings it into force, with the files that came meanwhile (D16)', async (t) => {
  const made = await scene(t, 'maximum');
  const { served } = made;
  const [ann, at] = [await made.developer('ann'), await operators(t, made)];
  const key = await at.key('offline.json', served.offline);
  const [old, next] = [makeWheel({ name: 'old', version: '1.0' }), makeWheel({ name: 'old', version: '1.1' })];
  assert.equal((await upload(served, old)).status, 200);
  await at.run('admin', 'export', served.directory, 'quiet', '--quiet-days', '0');
  const signed = (await at.run('admin', 'sign', 'quiet', '--key', key)).out.trim();
  await at.run('admin', 'import', served.directory, 'quiet', signed);

  const account = { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner };
  const project = projectNamed('old');
  await stage(served, account, next);
  const told = await send(served, account, project, await claimOf(served, project, [account.signer]));
  assert.equal(told.status, 202, JSON.stringify(told.body));
  assert.deepEqual(await found(ann, 'old'), [`${old.filename} rarely-updated`], 'an online key undoes no offline one');
  await at.run('admin', 'export', served.directory, 'claim', '--no-quiet');
  const { out } = await at.run('admin', 'review', 'claim');
  assert.match(out, /1 project becomes claimed\n {2}! old /);
  assert.match(out, /1 project is not rarely updated any more\n +old: its developers claimed it/);
  const claim = (await at.run('admin', 'sign', 'claim', '--key', key)).out.trim();
  await at.run('admin', 'import', served.directory, 'claim', claim);
  assert.deepEqual(await found(ann, 'old'), [`${old.filename} project.old`, `${next.filename} project.old`]);
  assert.equal(await pythonTuf(t, at, [['old', next.filename]]), `${next.filename} ${sha256(next)}`);
});

test('keys that developers changed are folded into the offline delegation, and the project goes on under its next name (M11)', async (t) => {
  const made = await scene(t, 'legacy');
  const { served } = made;
  const [ann, bob, at] = [await made.developer('ann'), await made.developer('bob'), await operators(t, made)];
  const key = await at.key('offline.json', served.offline);
  const [flask, next] = [makeWheel({ name: 'flask', version: '1.0' }), makeWheel({ name: 'flask', version: '1.1' })];
  await claimed(served, { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner }, 'flask', [flask]);
  await at.sign([key]);
  await rotate(ann, normalizeName('flask'), { add: [bob.ownSigner.key], remove: [] });
  await at.run('admin', 'export', served.directory, 'folding', '--no-quiet');
  assert.match(
    (await at.run('admin', 'review', 'folding')).out,
    /flask: its new keys stand in its delegation from now on/,
  );
  await at.sign([key]);
  assert.deepEqual(await found(bob, 'flask'), [`${flask.filename} project.flask.2`]);
  const released = await release(ann, normalizeName('flask'), await ann.build(next), { claim: false });
  assert.equal(released.outcome.state, 'published');
  assert.deepEqual(await found(bob, 'flask'), [
    `${flask.filename} project.flask.2`,
    `${next.filename} project.flask.2`,
  ]);
  assert.equal(await pythonTuf(t, at, [['flask', next.filename]]), `${next.filename} ${sha256(next)}`);
  await at.run('admin', 'export', served.directory, 'settled', '--no-quiet');
  assert.match((await at.run('admin', 'review', 'settled')).out, /Nothing is to be signed/);
});

test('who revoked stolen keys comes back with new ones once the holders say so, and not before (M11)', async (t) => {
  const made = await scene(t, 'legacy');
  const { served } = made;
  const [ann, at] = [await made.developer('ann'), await operators(t, made)];
  const key = await at.key('offline.json', served.offline);
  const flask = makeWheel({ name: 'flask', version: '1.0' });
  const account = { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner };
  await claimed(served, account, 'flask', [flask]);
  await at.sign([key]);
  await revoke(ann, normalizeName('flask'));
  await assert.rejects(found(ann, 'flask'), { code: 'REVOKED' });

  const fresh = await generateKey('ed25519');
  assert.equal((await registerKey(served, account, fresh, account.signer)).status, 201);
  const project = { name: normalizeName('flask'), role: projectRole(normalizeName('flask'), 2) };
  const told = await send(served, account, project, await claimOf(served, project, [fresh]));
  assert.equal(told.status, 202, JSON.stringify(told.body));
  await at.run('admin', 'export', served.directory, 'again', '--no-quiet');
  assert.match((await at.run('admin', 'review', 'again')).out, /1 claim waits\n {2}flask: nobody vouches for its keys/);
  await at.fails(/these keys sign nothing/, 'admin', 'sign', 'again', '--key', key);
  const { out } = await at.run('admin', 'review', 'again', '--decide', 'decided', '--accept', 'flask');
  assert.match(out, /! flask: .*accepted, though nobody vouches/);
  const signed = (await at.run('admin', 'sign', 'decided', '--key', key)).out.trim();
  await at.run('admin', 'import', served.directory, 'decided', signed);
  assert.deepEqual(await found(ann, 'flask'), [`${flask.filename} project.flask.2`]);
});

test('an index is compared with a backup from before a break-in, file by file (M12)', async (t) => {
  const made = await scene(t, 'legacy');
  const { served } = made;
  const [ann, at] = [await made.developer('ann'), await operators(t, made)];
  const account = { account: 'ann', token: ann.token, signer: ann.ownSigner as LocalSigner };
  const [safe, open, gone] = ['safe', 'open', 'gone'].map((name) => makeWheel({ name, version: '1.0' }));
  assert.ok(safe && open && gone);
  await claimed(served, account, 'safe', [safe]);
  for (const wheel of [open, gone]) assert.equal((await upload(served, wheel)).status, 200);
  await at.sign([await at.key('offline.json', served.offline)]);
  await at.run('backup', served.directory, 'backup');
  assert.match((await at.run('admin', 'compare', served.directory, 'backup')).err, /Every file is as it was/);

  // What a thief of the whole machine does.
  const added = makeWheel({ name: 'open', version: '2.0' });
  assert.equal((await upload(served, added)).status, 200);
  const { records } = served.index;
  const forged = { sha256: 'f'.repeat(64) };
  await records.write((db) =>
    db.updateTable('files').set(forged).where('project', '=', 'open').where('version', '=', '1.0').execute(),
  );
  await records.write((db) =>
    db.updateTable('files').set({ state: 'deleted' }).where('project', '=', 'gone').execute(),
  );
  const { code, out } = await holdfast(at.directory, ['admin', 'compare', served.directory, 'backup']);
  assert.equal(code, 1, 'other bytes under an old name');
  const lines = out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(0, 40).trimEnd().split(/\s+/).slice(0, 3)),
    [
      ['!', 'deleted', gone.filename],
      ['!', 'changed', open.filename],
      ['!', 'added', added.filename],
    ],
  );
  assert.match(lines[1] ?? '', new RegExp(`was ${sha256(open)} {2}is f{64}`));
  const json = (await holdfast(at.directory, ['admin', 'compare', served.directory, 'backup', '--json'])).out;
  const projects = json
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { project: string; files: readonly { changed: string }[] });
  assert.deepEqual(
    projects.map(({ project, files }) => [project, ...files.map(({ changed }) => changed)]),
    [
      ['gone', 'deleted'],
      ['open', 'changed', 'added'],
    ],
  );
  await at.fails(/nowhere|config.json does not exist/, 'admin', 'compare', served.directory, 'nowhere');
});
