import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addTrust, IndexClient } from '@holdfast/installer';
import { uploadBare } from '../../index/test/support/bare-index.ts';
import { serveIndex } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { holdfast } from './holdfast.ts';

test('holdfast feed shows what changed since the last time, and refuses a feed that does not lead to the signed timestamp', async (t) => {
  const served = await serveIndex(t);
  const directory = await temporaryDirectory(t, 'feed');
  const home = join(directory, 'home');
  await addTrust({ home, name: 'main', urls: [`${served.url}/`], root: served.root, environment: {} });
  const first = await holdfast(directory, ['feed']);
  assert.match(first.out, /^2 roles at version 1, root [0-9a-f]{64}$/m);
  await uploadBare(served.index, 'demo', '1.0');
  const second = await holdfast(directory, ['feed', '--index', 'main']);
  assert.match(second.out, /^ {2}unclaimed 1 → 2$/m);
  assert.match(second.out, /^1 roles changed from version 1 to 2, /m);
  await uploadBare(served.index, 'demo', '2.0');
  const { out } = await holdfast(directory, ['feed', '--json']);
  const change = JSON.parse(out) as { role: string; before: { version: number }; after: { version: number } };
  assert.deepEqual([change.role, change.before.version, change.after.version], ['unclaimed', 2, 3]);

  await uploadBare(served.index, 'demo', '3.0');
  const client = await IndexClient.open({ home, environment: {} });
  t.after(() => client.close());
  await rm(join(served.directory, 'objects/feed/0/4.0'));
  await assert.rejects(client.followFeed(), { code: 'FEED', fault: 'gap' });
  await uploadBare(served.index, 'demo', '4.0');
});
