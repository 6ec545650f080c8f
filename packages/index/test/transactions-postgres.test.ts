import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Metrics } from '../src/index.ts';
import { dropAbandoned } from '../src/transactions/staged.ts';
import { verifiedFiles } from './support/bare-index.ts';
import {
  ask,
  claimed,
  claimOf,
  makeDeveloper,
  projectNamed,
  send,
  signRelease,
  stage,
  statusOf,
  verdict,
} from './support/developer.ts';
import { startPostgres } from './support/postgres-server.ts';
import { serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeSdist, makeWheel } from './support/wheel.ts';

const postgres = await startPostgres();
after(() => postgres.stop());

test('in PostgreSQL staging, claims, missing signatures, conflicts and sweeping work as in SQLite (M5, M8)', async (t) => {
  let now = Date.now();
  const clock = (): Date => new Date(now);
  const metrics = new Metrics();
  const stores = { records: postgres.database('transactions') };
  const served = await serveIndex(t, { clock }, { model: 'legacy', stores, clock, metrics });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const both = [ann.signer, bob.signer];
  const demo = await claimed(served, ann, 'demo', [makeWheel()]);

  await upload(served, makeWheel({ version: '2.0' }));
  await upload(served, makeSdist({ version: '2.0' }));
  assert.equal((await ask(served, ann.token, 'DELETE projects/demo/staged/demo-2.0.tar.gz')).status, 200);
  const sent = await Promise.all(
    Array.from({ length: 8 }, (_, writer) =>
      signRelease(served, demo, [ann.signer], (editor) => editor.yank(makeWheel().filename, `by ${writer}`)),
    ),
  );
  const told = await Promise.all(
    sent.map((bytes) => send(served, ann, demo, { roles: new Map([[demo.role, bytes]]) })),
  );
  assert.deepEqual(told.map(verdict).sort(), ['200', ...Array.from({ length: 7 }, () => '409 VERSION_TAKEN')]);
  assert.equal((await verifiedFiles(served, 'demo')).size, 2);

  const shared = projectNamed('shared');
  const claim = await claimOf(served, shared, both, { threshold: 2, signing: [ann.signer] });
  assert.equal((await send(served, ann, shared, claim)).status, 202);
  assert.match((await metrics.text()).body, /^holdfast_transactions_waiting 1$/m);
  assert.equal(((await statusOf(served, 'shared', bob.token))['transactions'] as unknown[]).length, 1);
  const whole = { ...claim, roles: new Map([[shared.role, await signRelease(served, shared, both)]]) };
  assert.equal((await send(served, bob, shared, whole)).status, 200);
  assert.deepEqual((await ask(served, bob.token, 'GET account')).body['projects'], ['shared']);

  await stage(served, ann, makeWheel({ name: 'reserved' }));
  now += 8 * 86_400_000;
  const { records, objects } = served.index;
  assert.equal(await dropAbandoned({ records, objects }, clock()), 2);
  assert.equal(await dropAbandoned({ records, objects }, clock()), 0);
});
