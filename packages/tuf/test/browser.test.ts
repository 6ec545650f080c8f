import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { startChromium } from './browser/chromium.ts';
import type * as PageModule from './browser/page.ts';
import {
  BIN,
  CONTENT,
  type Keys,
  makeKeys,
  makeRepository,
  offered,
  publishRepository,
  SHA256,
  TARGET,
} from './browser/repositories.ts';
import { type Site, startSite } from './browser/site.ts';
import { buildInto, buildModule, temporaryDirectory } from './built-package.ts';
import { later, NOW, type TestRepository } from './repository.ts';

type Functions = typeof PageModule;

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

  it("reads what the package's own repository side published", async () => {
    const storage = await publishRepository(keys);
    [site.metadata, site.targets] = [await offered(storage, 'metadata'), await offered(storage, 'targets')];
    site.trustedRoot = site.metadata.get('1.root.json') ?? assert.fail('no root');
    assert.deepEqual(await lookup(await openTab(), 'published'), {
      versions: [2, 2, 2, 2],
      chain: ['targets', BIN],
      content: 'hello, browser',
    });
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
