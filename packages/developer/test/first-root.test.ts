import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { firstRootFingerprint } from '@holdfast/developer';
import { addTrust, type TrustedIndex } from '@holdfast/installer';
import { forIndex } from '@holdfast/trust';
import { addSignature, rootJson, signMetadata } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { nastyServer } from './nasty-server.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-first-root-'));
const server = await nastyServer();
after(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});
let machines = 0;

/** A root whose holder is `holder`, signed by the holder before as well. */
function root(version: number, holder: LocalSigner, before: LocalSigner, index?: string): Promise<Uint8Array> {
  const role = { keyids: [holder.key.keyid], threshold: 1 };
  const json = rootJson({
    version,
    expires: new Date('2040-01-01T00:00:00Z'),
    consistentSnapshot: true,
    keys: [holder.key],
    roles: { root: role, timestamp: role, snapshot: role, targets: role },
  });
  return signMetadata(
    index === undefined ? json : forIndex(json, index),
    holder === before ? [holder] : [before, holder],
  );
}

function serve(roots: readonly Uint8Array[]): void {
  server.answer = ({ url = '' }, response) => {
    const [, version = '0'] = /^\/metadata\/(\d+)\.root\.json$/.exec(url) ?? [];
    const bytes = roots[Number(version) - 1];
    response.writeHead(bytes ? 200 : 404).end(bytes);
  };
}

async function trusting(bytes: Uint8Array): Promise<{ home: string; trusted: TrustedIndex }> {
  const home = join(directory, String(machines++));
  return { home, trusted: await addTrust({ home, name: 'main', urls: [server.url], root: bytes }) };
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const [one, two, three] = await Promise.all([generateKey('ed25519'), generateKey('ed25519'), generateKey('ed25519')]);
const chain = [await root(1, one, one), await root(2, two, one), await root(3, three, two)] as const;

test('who trusts the first root needs nobody to know it', async () => {
  serve([]);
  const { home, trusted } = await trusting(chain[0]);
  assert.equal(await firstRootFingerprint(home, trusted, {}), sha256(chain[0]));
});

test('who began with a later root follows the signatures from the first, once', async () => {
  serve(chain);
  const { home, trusted } = await trusting(chain[2]);
  assert.equal(await firstRootFingerprint(home, trusted, {}), sha256(chain[0]));
  serve([]);
  const asked = server.asked.length;
  assert.equal(await firstRootFingerprint(home, trusted, {}), sha256(chain[0]));
  assert.equal(server.asked.length, asked);
});

test('a later root that names its index needs no other, whatever an index sends as its first', async () => {
  const index = sha256(chain[0]);
  serve([]);
  const { home, trusted } = await trusting(await root(2, two, one, index));
  assert.equal(await firstRootFingerprint(home, trusted, {}), index);
});

test('an index cannot give itself the first root of another one: its keys would be the same there', async () => {
  const thief = await generateKey('ed25519');
  const foreign = await root(1, thief, thief);
  const [, second, third] = chain;
  const noRoots = { code: /^(?:UNSIGNED|MIRRORS_FAILED|FORMAT)$/ };
  for (const roots of [
    [foreign, second, third],
    [third, second, third],
    [chain[0], chain[0], third],
    [second, second, third],
    [chain[0], await root(2, thief, thief), third],
    [chain[0], Buffer.from('{}'), third],
  ]) {
    serve(roots);
    const { home, trusted } = await trusting(third);
    await assert.rejects(firstRootFingerprint(home, trusted, {}), noRoots);
    serve(chain);
    assert.equal(await firstRootFingerprint(home, trusted, {}), sha256(chain[0]), 'nothing wrong was remembered');
  }
  // Whoever has the thief's signature put onto the real second root makes a chain, but one that begins at the thief's own root.
  serve([foreign, await addSignature(second, thief), third]);
  const { home, trusted } = await trusting(third);
  assert.equal(await firstRootFingerprint(home, trusted, {}), sha256(foreign));
});

test('a missing root is asked for again later', async () => {
  serve([chain[0]]);
  const { home, trusted } = await trusting(chain[2]);
  await assert.rejects(firstRootFingerprint(home, trusted, {}));
});
