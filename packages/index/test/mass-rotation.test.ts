import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTargets } from '@holdfast/tuf';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { importFiles, linesSource } from '../src/index.ts';
import { clientOf, listed, makeIndex, newFile, openBare } from './support/bare-index.ts';
import { bytesOf, lines } from './support/population.ts';
import { makeTargets } from './support/rotation.ts';

test('a new online key signs thousands of files anew in parts: readers see the old or the new state, uploads wait and are published (P5)', async (t) => {
  const made = await makeIndex(t);
  const online = await generateKey('ed25519');
  await writeKeyFile(join(made.directory, 'keys', `${online.key.keyid}.json`), online, undefined);
  const parts: number[] = [];
  const index = await openBare(made.directory, { massFrom: 50, onMass: ({ roles }) => parts.push(roles) });
  const source = linesSource({ name: 'x', input: bytesOf(lines(300, 10)), now: new Date() });
  await importFiles(index, { source, account: 'ann' });
  const offer = { targets: await makeTargets({ version: 2, offline: made.offline, online }) };
  parts.length = 0;

  const client = clientOf(made);
  const done = new AbortController();
  const rotated = index.importOffline(offer).finally(() => done.abort());
  const upload = index.publisher.publish(newFile('imported-7', '9.0'));
  let reads = 0;
  for (; !done.signal.aborted; reads++) {
    await client.refresh();
    assert.equal((await listed(client, `imported-${reads % 7}`)).size, 10);
  }
  await rotated;
  assert.ok(parts.length > 3, `only ${parts.length} parts`);
  await upload;
  await client.refresh();
  assert.equal((await listed(client, 'imported-7')).size, 11);

  const roles = await index.records.read.selectFrom('roles').select(['role', 'version']).execute();
  assert.ok(roles.length > 200);
  for (const { role, version } of roles.filter((each) => each.role.startsWith('unclaimed'))) {
    const bytes = await readFile(join(made.directory, 'objects', 'metadata', `${version}.${role}.json`));
    assert.deepEqual(
      parseTargets(bytes).signatures.map(({ keyid }) => keyid),
      [online.key.keyid],
      role,
    );
  }
  t.diagnostic(`${reads} reads, ${parts.length} parts`);
});
