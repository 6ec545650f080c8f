import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { addTrust, IndexClient } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import { uploadBare } from '../../index/test/support/bare-index.ts';
import { serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';

/** Passes requests on to the index and notes their paths; keeps lookups to itself when told to. */
async function countingMirror(t: TestContext, { url }: ServedIndexUnderTest) {
  const paths: string[] = [];
  const mirror = { url: '', paths, lookups: true };
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '';
      paths.push(path);
      if (!mirror.lookups && path.startsWith('/lookup/')) return response.writeHead(404).end();
      const answer = await fetch(url + path, { headers: { 'accept-encoding': 'identity' } });
      return response.writeHead(answer.status).end(new Uint8Array(await answer.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  mirror.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return mirror;
}

const name = (at: number): string => `project-${at}`;

function fill(served: ServedIndexUnderTest, version: string, from: number, to: number): Promise<unknown> {
  const numbers = Array.from({ length: to - from }, (_, at) => from + at);
  return Promise.all(numbers.map((at) => uploadBare(served.index, name(at), version)));
}

test('an index of many bins is installed from with one lookup for each project, while it splits, and from its files alone', async (t) => {
  const served = await serveIndex(t);
  await fill(served, '1.0', 0, 150);
  const mirror = await countingMirror(t, served);
  const home = await temporaryDirectory(t, 'lookup-install');
  await addTrust({ home, name: 'main', urls: [mirror.url], root: served.root, environment: {} });
  const client = await IndexClient.open({ home, environment: {}, refreshAfterMs: 3_600_000 });
  t.after(() => client.close());
  const versions = async (at: number): Promise<string[]> =>
    ((await client.project(normalizeName(name(at))))?.files ?? [])
      .map(({ filename }) => filename.split('-')[1] ?? '')
      .sort();
  const taken = (): readonly string[] =>
    mirror.paths.splice(0).map((path) => path.split('?')[0]?.split('/').at(-1) ?? '');

  await client.refresh();
  assert.deepEqual([...taken()].sort(), ['2.root.json', 'timestamp.json']);
  for (const at of [3, 77, 149]) {
    assert.deepEqual(await versions(at), ['1.0']);
    assert.ok(taken().length <= 1, 'none when the bin is known already');
  }

  const chains: number[] = [];
  for (let round = 0; round < 4; round++) {
    await fill(served, `2.${round}`, 0, 5);
    await fill(served, '1.0', 150 + round * 300, 450 + round * 300);
    await client.refresh();
    taken();
    const latest = 449 + round * 300;
    assert.deepEqual(await versions(latest), ['1.0']);
    assert.deepEqual(taken(), [name(latest)]);
    assert.equal((await versions(0)).length, round + 2);
    assert.ok(taken().every((path) => path === name(0)));
    chains.push((await client.project(normalizeName(name(latest))))?.files[0]?.voucher.chain.length ?? 0);
  }
  assert.ok((chains.at(-1) ?? 0) > 2, `split while it was read: ${chains.join()}`);

  mirror.lookups = false;
  await fill(served, '3.0', 0, 1);
  await client.refresh();
  taken();
  assert.ok((await versions(0)).includes('3.0'));
  assert.ok(mirror.paths.some((path) => path.includes('snapshot.json')));
});
