import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { addTrust, DEFAULT_LIMITS, IndexClient } from '@holdfast/installer';
import { forgedReleases, LEVERS, type Loot, projectOfStanding, STANDINGS } from '../src/index.ts';
import { Burglary, type Outcomes } from './security-model/burglary.ts';
import { FORMS } from './security-model/memory-installer.ts';
import { PublicationServer } from './security-model/served-publication.ts';

/** What the attacks of security-model.test.ts do in memory, they do to the whole client: over HTTP, with a store on the disk, down to the file. */
const burglary = await Burglary.begin();
const server = await PublicationServer.start();
const directory = await mkdtemp(join(tmpdir(), 'holdfast-stolen-'));
after(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

/** Asserts that a client with this store sees of each project what it is expected to, and that forged files arrive as the thief made them. */
async function sees(home: string, url: string, expected: Outcomes, said: string): Promise<void> {
  const { root, now } = burglary.world;
  await addTrust({ home, name: 'main', urls: [url], root, environment: {} });
  const limits = { ...DEFAULT_LIMITS, retries: 0 };
  const client = await IndexClient.open({ home, environment: {}, limits, clock: () => now });
  try {
    for (const standing of STANDINGS) {
      const found = await client.project(projectOfStanding(standing)).catch(() => 'refused' as const);
      if (found === 'refused' || found === undefined) {
        assert.equal(expected[standing], found ?? 'nothing', `${said}, ${standing}`);
        continue;
      }
      const forged = forgedReleases(burglary.thief, standing);
      const [first = assert.fail()] = found.files;
      const [thiefs] = forged.filter(({ distribution }) => distribution.sha256 === first.sha256);
      assert.equal(expected[standing] === 'forged', thiefs !== undefined, `${said}, ${standing}`);
      if (thiefs) assert.deepEqual(await readFile(await client.file(first)), Buffer.from(thiefs.bytes));
    }
  } finally {
    client.close();
  }
}

for (const lever of LEVERS) {
  test(`the whole client over HTTP sees what the client in memory sees: ${lever} stolen, and not (M10, P17)`, async () => {
    for (const share of ['nothing', 'enough'] as const) {
      const loot: Loot = { timestamp: 'enough', snapshot: 'enough', [lever]: share };
      const forged = await burglary.forged(loot, lever, 'current');
      for (const form of FORMS) {
        const home = await mkdtemp(join(directory, 'new-'));
        const expected = await burglary.see(forged, 'new', form);
        await sees(home, server.offer(forged, form), expected, `${share}, ${form}`);
      }
    }
  });
}

test('the whole client over HTTP remembers what it knew: the state before a claim is refused, whoever signs it (M10, P20)', async () => {
  const { root, now, current } = burglary.world;
  const loot: Loot = { timestamp: 'enough', snapshot: 'enough', unclaimed: 'enough' };
  const past = await burglary.forged(loot, 'unclaimed', 'past');
  for (const form of FORMS) {
    const home = await mkdtemp(join(directory, 'knows-'));
    await addTrust({ home, name: 'main', urls: [server.offer(current, form)], root, environment: {} });
    const client = await IndexClient.open({ home, environment: {}, clock: () => now });
    for (const standing of STANDINGS) await client.project(projectOfStanding(standing));
    client.close();
    const moved = await mkdtemp(join(directory, 'moved-'));
    await addTrust({ home: moved, name: 'main', urls: [server.offer(past, form)], root, environment: {} });
    await cp(join(home, 'trust/main/metadata'), join(moved, 'trust/main/metadata'), { recursive: true });
    const late = await IndexClient.open({ home: moved, environment: {}, clock: () => now });
    for (const standing of STANDINGS)
      await assert.rejects(late.project(projectOfStanding(standing)), { code: 'ROLLBACK' }, `${form}, ${standing}`);
    late.close();
  }
});
