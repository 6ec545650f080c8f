import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProjectRoleEditor, type ProjectTransaction } from '@holdfast/trust';
import { addSignature, parseTargets, revocationJson, rotationJson, signMetadata, type Signer } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { distributionOf } from '../src/publish/file-rows.ts';
import { loadProject } from '../src/transactions/project-record.ts';
import { newFile, verifiedFiles } from './support/bare-index.ts';
import {
  ask,
  claimed,
  claimOf,
  type Developer,
  makeDeveloper,
  makeQuiet,
  type Project,
  projectNamed,
  registerKey,
  send,
  signRelease,
  stage,
  statusOf,
  verdict,
} from './support/developer.ts';
import { recordsSnapshot } from './support/records-snapshot.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeSdist, makeWheel } from './support/wheel.ts';

const LATER = new Date('2028-11-21T12:00:00Z');
const names = async (served: ServedIndexUnderTest, project: string): Promise<string[]> =>
  [...(await verifiedFiles(served, project)).keys()].sort();

async function release(
  served: ServedIndexUnderTest,
  project: Project,
  signers: readonly Signer[],
  edit?: (editor: ProjectRoleEditor) => void,
): Promise<ProjectTransaction> {
  return { roles: new Map([[project.role, await signRelease(served, project, signers, edit)]]) };
}

test('of 16 writers on one project one is told 200 for each version and the others 409, and no version comes twice (M8)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const demo = await claimed(served, ann, 'demo', [makeWheel()]);
  const { index } = served;
  for (let round = 2; round <= 5; round++) {
    const sent = await Promise.all(
      Array.from({ length: 16 }, (_, writer) =>
        release(served, demo, [ann.signer], (editor) =>
          editor.yank(makeWheel().filename, `round ${round} by ${writer}`),
        ),
      ),
    );
    const told = await Promise.all(sent.map((each) => send(served, ann, demo, each)));
    assert.deepEqual(told.map(verdict).sort(), ['200', ...Array.from({ length: 15 }, () => '409 VERSION_TAKEN')]);
    const winner = told.findIndex(({ status }) => status === 200);
    assert.equal(
      (await verifiedFiles(served, 'demo')).get(makeWheel().filename)?.split('!')[1],
      `round ${round} by ${winner}`,
    );
    assert.equal(parseTargets((await index.metadata.newest(demo.role)) ?? new Uint8Array()).signed.version, round);
  }
  const rows = await index.records.read.selectFrom('transaction_roles').select('version').orderBy('version').execute();
  assert.deepEqual(
    rows.map(({ version }) => version),
    [1, 2, 3, 4, 5],
  );
});

test('transactions of many projects share a publication: none waits for the others (M8)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const projects = Array.from({ length: 20 }, (_, i) => projectNamed(`many-${i}`));
  await Promise.all(projects.map(({ name }) => stage(served, ann, makeWheel({ name }))));
  const claims = await Promise.all(projects.map((project) => claimOf(served, project, [ann.signer])));
  const before = (await served.index.records.read.selectFrom('publications').select('id').execute()).length;
  const told = await Promise.all(claims.map((claim, i) => send(served, ann, projects[i] ?? projectNamed('x'), claim)));
  assert.deepEqual(new Set(told.map(verdict)), new Set(['200']), JSON.stringify(told));
  const after = (await served.index.records.read.selectFrom('publications').select('id').execute()).length;
  assert.ok(after - before < 10, `${after - before} publications`);
  for (const { name } of projects) assert.equal((await verifiedFiles(served, name)).size, 1, name);
});

test('who lost the answer sends the same again and is told that it is published; another holder too, with a signature of their own', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const demo = projectNamed('demo');
  await upload(served, makeWheel());
  const claim = await claimOf(served, demo, [ann.signer]);
  const told = await Promise.all([1, 2, 3].map(() => send(served, ann, demo, claim)));
  assert.deepEqual(told.map(verdict), ['200', '200', '200']);
  assert.equal(verdict(await send(served, ann, demo, claim)), '200');
  const before = await recordsSnapshot(served.index);
  const next = await release(served, demo, [ann.signer], (editor) => editor.yank(makeWheel().filename, true));
  assert.equal(verdict(await send(served, ann, demo, next)), '200');
  assert.notEqual(await recordsSnapshot(served.index), before);
  const after = await recordsSnapshot(served.index);
  assert.equal(verdict(await send(served, ann, demo, next)), '200');
  const later = await release(served, demo, [ann.signer], (editor) => editor.yank(makeWheel().filename, false));
  assert.equal(await recordsSnapshot(served.index), after, 'nothing is published twice');
  assert.equal(verdict(await send(served, ann, demo, later)), '200');
  assert.equal(verdict(await send(served, ann, demo, next)), '200', 'also when another one came after it');
  assert.ok(!(await verifiedFiles(served, 'demo')).get(makeWheel().filename)?.includes('!'), 'which is not undone');
});

interface Pair {
  readonly ann: Developer;
  readonly bob: Developer;
  readonly demo: Project;
}

async function makePair(served: ServedIndexUnderTest): Promise<Pair> {
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  return { ann, bob, demo: projectNamed('demo') };
}

test('with threshold 2 what one holder signed waits, seen by both, and is published with the signature of the other (M2)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const { ann, bob, demo } = await makePair(served);
  await stage(served, ann, makeWheel());
  const both = [ann.signer, bob.signer];
  const claim = await claimOf(served, demo, both, { threshold: 2, signing: [ann.signer] });
  const first = await send(served, ann, demo, claim);
  assert.equal(first.status, 202);
  assert.deepEqual(first.body, { waiting: { [demo.role]: { signed: [ann.signer.key.keyid], threshold: 2 } } });
  assert.equal((await verifiedFiles(served, 'demo')).size, 0);
  assert.equal((await statusOf(served, 'demo'))['transactions'], undefined, 'strangers are not told');

  // Bob is no member: his key, which the claim names, lets him see it and bring what he signs.
  const status = await statusOf(served, 'demo', bob.token);
  const [waiting] = status['transactions'] as { roles: Record<string, string>; account: string }[];
  assert.equal(waiting?.account, 'ann');
  const metadata = Buffer.from(waiting?.roles[demo.role] ?? '');
  const shown = status['waiting'] as Record<string, { metadata: string; signed: string[]; threshold: number }>;
  assert.equal(shown[demo.role]?.metadata, metadata.toString());
  const alone = await signMetadata(new ProjectRoleEditor(demo.role).build(LATER), []);
  const own = { ...claim, roles: new Map([[demo.role, await addSignature(alone, bob.signer)]]) };
  assert.equal((await send(served, bob, demo, own)).status, 202, 'something else waits in its place');
  assert.equal(((await statusOf(served, 'demo', ann.token))['transactions'] as unknown[]).length, 1);
  assert.equal((await send(served, ann, demo, claim)).status, 202);
  const signed = parseTargets(await addSignature(metadata, bob.signer));
  const withBob = Buffer.from(
    JSON.stringify({
      signatures: signed.signatures.filter(({ keyid }) => keyid === bob.signer.key.keyid),
      signed: 0,
    }).replace('"signed":0', `"signed":${Buffer.from(signed.signedBytes).toString()}`),
  );
  const second = await send(served, bob, demo, { ...claim, roles: new Map([[demo.role, withBob]]) });
  assert.equal(second.status, 200, JSON.stringify(second.body));
  assert.deepEqual(await names(served, 'demo'), [makeWheel().filename]);
  const standing = await served.index.records.read.selectFrom('standings').select('account').executeTakeFirstOrThrow();
  assert.equal(standing.account, 'ann', 'the claim is of who made it');
  const left = await served.index.records.read.selectFrom('transactions').select('state').execute();
  assert.deepEqual(
    left.map(({ state }) => state),
    ['published'],
  );
});

test('two holders who sign at the same moment complete the transaction: no signature is lost (M8)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const { ann, bob, demo } = await makePair(served);
  const both = [ann.signer, bob.signer];
  await stage(served, ann, makeWheel());
  assert.equal((await send(served, ann, demo, await claimOf(served, demo, both, { threshold: 2 }))).status, 200);
  for (let version = 2; version <= 6; version++) {
    await stage(served, ann, makeWheel({ version: `${version}.0` }));
    const unsigned = await signRelease(served, demo, []);
    const signed = await Promise.all(both.map((signer) => addSignature(unsigned, signer)));
    const told = await Promise.all(
      [ann, bob].map((who, i) => send(served, who, demo, { roles: new Map([[demo.role, signed[i] ?? unsigned]]) })),
    );
    assert.deepEqual(told.map(verdict).sort(), ['200', '202'], JSON.stringify(told));
  }
  assert.equal((await verifiedFiles(served, 'demo')).size, 6);
});

test('a friend publishes the wheels that were delegated to their key, with a token of their own and nothing else (D13)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const { ann, bob: wendy } = await makePair(served);
  const demo = await claimed(served, ann, 'demo', [makeSdist()]);
  const wheel = makeWheel();
  assert.equal((await upload({ url: served.url, token: wendy.token }, wheel)).status, 403, 'not yet');
  const delegating = await release(served, demo, [ann.signer], (editor) => {
    editor.delegate({ label: 'wheels', filenames: ['*.whl'], keys: [wendy.signer.key], threshold: 1 });
  });
  assert.equal(verdict(await send(served, ann, demo, delegating)), '200');

  const brought = await upload({ url: served.url, token: wendy.token }, wheel);
  assert.match(brought.statusText, /waits for a signature/);
  const theOwners = await upload({ url: served.url, token: wendy.token }, makeSdist({ version: '2.0' }));
  assert.equal(theOwners.status, 403);
  assert.match(theOwners.statusText, /outside of what your keys may sign for/);
  await assert.rejects(
    served.index.publisher.publish({
      ...newFile('demo', '2.0'),
      filename: 'demo-2.0.tar.gz',
      kind: 'sdist',
      account: 'bob',
    }),
    { code: 'NOT_YOUR_PROJECT' },
    'intake decides it again',
  );
  await upload(served, makeSdist({ version: '2.0' }));
  const role = 'project.demo.wheels';
  const { staged } = (await statusOf(served, 'demo', wendy.token)) as { staged: { filename: string }[] };
  assert.deepEqual(
    staged.map(({ filename }) => filename),
    [wheel.filename, 'demo-2.0.tar.gz'],
  );
  const { files } = await loadProject(served.index.records.read, demo.name);
  const signed = async (...filenames: string[]): Promise<ProjectTransaction> => {
    const editor = new ProjectRoleEditor(role);
    for (const filename of filenames) {
      const row = files.get(filename);
      if (row) editor.setFile(distributionOf(row));
    }
    return { roles: new Map([[role, await signMetadata(editor.build(LATER), [wendy.signer])]]) };
  };
  const outside = await send(served, wendy, demo, await signed(wheel.filename, 'demo-2.0.tar.gz'));
  assert.equal(verdict(outside), '422 FILE_OUTSIDE');
  assert.equal(verdict(await send(served, wendy, demo, await signed(wheel.filename))), '200');
  assert.deepEqual(await names(served, 'demo'), [wheel.filename, 'demo-1.0.tar.gz']);
  const theirs = `DELETE projects/demo/staged/demo-2.0.tar.gz` as const;
  assert.equal(verdict(await ask(served, wendy.token, theirs)), '403 NOT_YOUR_FILE');

  const without = await release(served, demo, [ann.signer], (editor) => {
    editor.undelegate('wheels');
    editor.removeFile(wheel.filename);
  });
  assert.equal(verdict(await send(served, ann, demo, without)), '200');
  assert.deepEqual(await names(served, 'demo'), ['demo-1.0.tar.gz', 'demo-2.0.tar.gz'], 'what was theirs went with it');
  assert.equal((await upload({ url: served.url, token: wendy.token }, makeWheel({ version: '3.0' }))).status, 403);
  const again = await upload(served, wheel);
  assert.equal(again.status, 400, 'a deleted name is not used again');
});

test('a rotation counts at once; after a revocation nothing counts until the project is claimed anew (M11)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const demo = await claimed(served, ann, 'demo', [makeWheel()]);
  const next = await generateKey('ed25519');
  assert.equal((await registerKey(served, ann, next, ann.signer)).status, 201);
  const rotation = await signMetadata(rotationJson({ role: demo.role, version: 1, keys: [next.key], threshold: 1 }), [
    ann.signer,
  ]);
  const resigned = await release(served, demo, [next]);
  assert.equal(verdict(await send(served, ann, demo, { ...resigned, rotation })), '200');
  assert.equal(verdict(await send(served, ann, demo, { ...resigned, rotation })), '200', 'the same again');
  await stage(served, ann, makeWheel({ version: '2.0' }));
  assert.equal(verdict(await send(served, ann, demo, await release(served, demo, [ann.signer]))), '422 WRONG_KEY');
  assert.equal(verdict(await send(served, ann, demo, await release(served, demo, [next]))), '200');
  assert.deepEqual(await names(served, 'demo'), ['demo-1.0-py3-none-any.whl', 'demo-2.0-py3-none-any.whl']);

  const { rotations } = (await statusOf(served, 'demo')) as { rotations: number };
  const revoking = await signMetadata(revocationJson({ role: demo.role, version: rotations + 1 }), [next]);
  const revocation = { roles: new Map(), rotation: revoking };
  assert.equal(verdict(await send(served, ann, demo, revocation)), '200');
  assert.equal(verdict(await send(served, ann, demo, revocation)), '200', 'the same again');
  const revoked = await statusOf(served, 'demo');
  assert.equal(revoked['revoked'], true);
  const after = await release(served, demo, [next]);
  assert.equal(verdict(await send(served, ann, demo, after)), '422 REVOKED');
  const held = await upload(served, makeWheel({ version: '3.0' }));
  assert.match(held.statusText, /waits for a signature/, 'a revoked project is not the index to sign for again');

  const three = makeWheel({ version: '3.0' }).filename;
  for (const filename of [makeWheel().filename, three])
    assert.equal((await ask(served, ann.token, `DELETE projects/demo/staged/${filename}`)).status, 200);
  assert.equal((await upload(served, makeWheel())).status, 400, 'a name that was published once is not used again');
  assert.equal((await upload(served, makeWheel({ version: '3.0' }))).status, 200, 'one that never was is');
  const anew = { ...demo, role: 'project.demo.2' };
  assert.equal(verdict(await send(served, ann, demo, await claimOf(served, anew, [next]))), '200');
  const status = await statusOf(served, 'demo');
  assert.deepEqual([status['role'], status['generation'], status['revoked']], ['project.demo.2', 2, false]);
  assert.deepEqual(await names(served, 'demo'), ['demo-2.0-py3-none-any.whl', three]);
});

test('a claim of a quiet project is recorded and counts from the next offline signing on: 202, and nothing else changes', async (t) => {
  const served = await serveIndex(t, {}, { model: 'maximum' });
  const ann = await makeDeveloper(served, 'ann');
  await upload(served, makeWheel());
  const demo = projectNamed('demo');
  await makeQuiet(served, demo);
  for (const time of ['first', 'second']) {
    const told = await send(served, ann, demo, await claimOf(served, demo, [ann.signer]));
    assert.equal(told.status, 202, `${time}: ${JSON.stringify(told.body)}`);
    assert.equal(told.body['claim_waits'], true);
    const status = await statusOf(served, 'demo', ann.token);
    assert.deepEqual([status['standing'], status['claim_waits']], ['rarely-updated', true]);
  }
  const claims = await served.index.records.read.selectFrom('claims_waiting').selectAll().execute();
  assert.deepEqual(
    claims.map(({ project, account, threshold }) => [project, account, threshold]),
    [['demo', 'ann', 1]],
  );
});
