import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { TopLevelRole } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import type { Page } from 'playwright-core';
import { startChromium } from './browser/chromium.ts';
import type * as PageModule from './browser/page.ts';
import { type Site, startSite } from './browser/site.ts';
import { buildInto, buildModule, temporaryDirectory } from './built-package.ts';
import { delegateBins, later, NOW, TestRepository } from './repository.ts';

type Functions = typeof PageModule;

const CONTENT = new TextEncoder().encode('hello, browser');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const TARGET = 'a/file.txt';
/** TAP 15: the first four bits of the path's hash. */
const BIN = `bins-${createHash('sha256').update(TARGET).digest('hex').slice(0, 1)}`;

interface Keys extends Record<TopLevelRole, readonly LocalSigner[]> {
  readonly bins: LocalSigner;
}

/** A key of another kind for each role. */
async function makeKeys(): Promise<Keys> {
  const [ed25519, p256, p384, rsa, rsa512] = await Promise.all([
    generateKey('ed25519'),
    generateKey('ecdsa-sha2-nistp256'),
    generateKey('ecdsa-sha2-nistp384'),
    generateKey('rsassa-pss-sha256'),
    generateKey('rsassa-pss-sha512'),
  ]);
  return { root: [ed25519, p256], timestamp: [p384], snapshot: [rsa], targets: [ed25519], bins: rsa512 };
}

/** Everything is version 2: the first root lists other keys and a lower threshold. */
async function makeRepository({ bins, ...signers }: Keys): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.signers = signers;
  repository.thresholds.root = 2;
  repository.withHashes = true;
  fillBins(repository, bins);
  await repository.publishRoot();
  await repository.publish();
  return repository;
}

function fillBins(repository: TestRepository, signer: LocalSigner): void {
  const delegations = delegateBins(signer, { bitLength: 4, namePrefix: 'bins' });
  repository.roles.set('targets', { signers: repository.signers.targets, delegations });
  const file = { length: CONTENT.length, hashes: new Map([['sha256', SHA256]]) };
  for (let bin = 0; bin < 16; bin++) {
    const name = `bins-${bin.toString(16)}`;
    repository.roles.set(name, { signers: [signer], targets: new Map(name === BIN ? [[TARGET, file]] : []) });
  }
}

describe('in Chromium, with no more than the built package', () => {
  const resources = new AsyncDisposableStack();
  let site: Site;
  let openTab: () => Promise<Page>;
  let keys: Keys;
  let repository: TestRepository;

  before(async () => {
    const { path } = resources.use(await temporaryDirectory());
    const modules = join(path, 'modules');
    buildInto(join(modules, 'tuf'));
    buildModule('test/browser/page.ts', modules);
    site = resources.use(await startSite(modules));
    const { context } = resources.use(await startChromium(join(path, 'profile')));
    keys = await makeKeys();
    openTab = async () => {
      const page = await context.newPage();
      await page.goto(site.url);
      return page;
    };
  });
  after(() => resources.disposeAsync());

  beforeEach(async () => {
    repository = await makeRepository(keys);
    site.metadata = repository.files;
    site.targets = new Map([[`a/${SHA256}.file.txt`, CONTENT]]);
    site.trustedRoot = repository.rootBytes;
    site.requests.length = 0;
  });

  async function call<Name extends keyof Functions>(
    page: Page,
    name: Name,
    argument: Parameters<Functions[Name]>[0],
  ): Promise<Awaited<ReturnType<Functions[Name]>>> {
    const expression = `import('/modules/page.js').then((module) => module.${name}(${JSON.stringify(argument)}))`;
    return page.evaluate<Awaited<ReturnType<Functions[Name]>>>(expression);
  }

  const lookup = (page: Page, store: string, now = NOW) =>
    call(page, 'lookup', { target: TARGET, store, now: now.toISOString() });

  const repositoryRequests = () => site.requests.filter((path) => /^\/(?:metadata|targets)\//.test(path));

  it('follows a new root and verifies ed25519, ecdsa and rsa roles down to a succinct bin, by the requests of §5', async () => {
    const page = await openTab();
    assert.deepEqual(await lookup(page, 'whole'), {
      versions: [2, 2, 2, 2],
      chain: ['targets', BIN],
      content: 'hello, browser',
    });
    assert.deepEqual(repositoryRequests(), [
      '/metadata/2.root.json',
      '/metadata/3.root.json',
      '/metadata/timestamp.json',
      '/metadata/2.snapshot.json',
      '/metadata/2.targets.json',
      `/metadata/2.${BIN}.json`,
      `/targets/a/${SHA256}.file.txt`,
    ]);
  });

  it('loads no Node module and nothing of the package’s Node side, from no other address', async () => {
    const page = await openTab();
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(site.url)) elsewhere.push(request.url());
    });
    await lookup(page, 'modules');
    const modules = site.requests.filter((path) => path.startsWith('/modules/tuf/'));
    assert.ok(modules.includes('/modules/tuf/crypto/web.js') && modules.includes('/modules/tuf/client/updater.js'));
    assert.deepEqual(
      modules.filter((path) => /\/node(?:\/|\.js$)/.test(path)),
      [],
    );
    assert.deepEqual(elsewhere, []);
  });

  it('keeps what it verified for the next visit, which fetches only what may be newer', async () => {
    const page = await openTab();
    await lookup(page, 'kept');
    site.requests.length = 0;
    await page.reload();
    assert.ok('versions' in (await lookup(page, 'kept')));
    assert.deepEqual(
      repositoryRequests().filter((path) => path.startsWith('/metadata/')),
      ['/metadata/3.root.json', '/metadata/timestamp.json'],
    );
  });

  for (const role of ['timestamp', 'snapshot', 'targets', BIN] as const) {
    it(`refuses a ${role === BIN ? 'bin' : role} that somebody changed`, async () => {
      repository.withHashes = false; // the signature alone has to tell
      await repository.publish();
      const name = role === 'timestamp' ? 'timestamp.json' : `3.${role}.json`;
      const text = new TextDecoder().decode(repository.file(name));
      const changed = text.replace('"spec_version":"1.0.34"', '"spec_version":"1.0.35"');
      assert.notEqual(changed, text);
      repository.files.set(name, new TextEncoder().encode(changed));
      assert.deepEqual(await lookup(await openTab(), `changed ${role}`), { code: 'UNSIGNED', role });
    });
  }

  it('refuses a timestamp and a snapshot older than those it has seen (§5.4.3, §5.5.5)', async () => {
    const page = await openTab();
    const old = repository.file('timestamp.json');
    await repository.publish();
    await lookup(page, 'rollback');
    site.metadata = new Map([...repository.files, ['timestamp.json', old]]);
    assert.deepEqual(await lookup(page, 'rollback'), { code: 'ROLLBACK', role: 'timestamp' });

    site.metadata = repository.files;
    repository.versions.snapshot = 1;
    await repository.publish();
    assert.deepEqual(await lookup(page, 'rollback'), { code: 'ROLLBACK', role: 'snapshot' });
  });

  it('refuses an expired timestamp (§5.4.4), and content that is not the announced one (§5.7.2)', async () => {
    const page = await openTab();
    assert.deepEqual(await lookup(page, 'expired', later(2)), { code: 'EXPIRED', role: 'timestamp' });
    site.targets = new Map([[`a/${SHA256}.file.txt`, new TextEncoder().encode('hello, Browser')]]);
    assert.deepEqual(await lookup(page, 'content'), { code: 'HASH', role: undefined });
  });

  describe('the IndexedDB store', () => {
    it('keeps, replaces and forgets bytes under any name', async () => {
      assert.deepEqual(await call(await openTab(), 'keep', { store: 'keep' }), [undefined, [2, 3], undefined]);
    });

    it('is one for two tabs: what one has seen protects the other from a rollback', async () => {
      const [one, two] = [await openTab(), await openTab()];
      const old = repository.file('timestamp.json');
      await repository.publish();
      await lookup(one, 'shared');
      site.requests.length = 0;
      assert.ok('versions' in (await lookup(two, 'shared')));
      assert.ok(!site.requests.includes('/metadata/3.snapshot.json'));
      site.metadata = new Map([...repository.files, ['timestamp.json', old]]);
      assert.deepEqual(await lookup(two, 'shared'), { code: 'ROLLBACK', role: 'timestamp' });
    });

    it('lets two tabs refresh at once, and one at a time under its lock', async () => {
      const tabs = [await openTab(), await openTab()];
      for (const answer of await Promise.all(tabs.map((tab) => lookup(tab, 'both')))) assert.ok('versions' in answer);
      const counts = await Promise.all(tabs.map((tab) => call(tab, 'count', { store: 'count', times: 50 })));
      assert.equal(Math.max(...counts), 100);
    });

    it('has its lock released when the tab that holds it is closed', async () => {
      const [one, two] = [await openTab(), await openTab()];
      await call(one, 'takeLockForGood', { store: 'dying' });
      const counted = call(two, 'count', { store: 'dying', times: 1 });
      assert.equal(await two.evaluate('navigator.locks.query().then(({ held }) => held[0].name)'), 'dying');
      await one.close();
      assert.equal(await counted, 1);
    });
  });
});
