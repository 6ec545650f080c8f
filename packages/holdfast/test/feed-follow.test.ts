import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test, type TestContext } from 'node:test';
import { addTrust } from '@holdfast/installer';
import { openIndex, startServer } from '@holdfast/index';
import { newFile } from '../../index/test/support/bare-index.ts';
import { PASSPHRASE, type ServedIndexUnderTest, serveIndex } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { type Ended, ended, holdfast, start } from './holdfast.ts';

interface Change {
  readonly role: string;
  readonly before?: { readonly version: number };
  readonly after?: { readonly version: number };
  readonly timestamp: number;
}

const children = new Set<{ kill(signal: 'SIGKILL'): boolean }>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** `holdfast feed --follow --json`, line by line as it prints them. */
class Follower {
  readonly changes: Change[] = [];
  readonly end: Promise<Ended>;
  readonly #child: ReturnType<typeof start>;
  #heard = Promise.withResolvers<void>();
  #noted = '';

  constructor(directory: string, args: readonly string[] = []) {
    this.#child = start(directory, ['feed', '--follow', '--every', '1s', '--json', ...args]);
    children.add(this.#child);
    this.end = ended(this.#child);
    assert.ok(this.#child.stdout && this.#child.stderr);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.changes.push(JSON.parse(line) as Change);
      this.#wake();
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#noted += chunk.toString();
      this.#wake();
    });
  }

  async until(holds: (follower: Follower) => boolean): Promise<void> {
    while (!holds(this)) {
      const end = await Promise.race([this.#heard.promise, this.end]);
      assert.equal(end, undefined, `it ended: ${this.#noted}`);
    }
  }

  get noted(): string {
    return this.#noted;
  }

  /** Versions of `unclaimed`, before and after, as they were told. */
  get steps(): readonly (readonly [number | undefined, number | undefined])[] {
    return this.changes.map(({ before, after: now }) => [before?.version, now?.version]);
  }

  stop(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.end;
  }

  /** Reads no further. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  #wake(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}

const tells =
  (version: number) =>
  ({ changes }: Follower): boolean =>
    changes.at(-1)?.after?.version === version;

async function trusting(t: TestContext, served: ServedIndexUnderTest, url = served.url): Promise<string> {
  const directory = await temporaryDirectory(t, 'feed-follow');
  const home = join(directory, 'home');
  await addTrust({ home, name: 'main', urls: [`${url}/`], root: served.root, environment: {} });
  return directory;
}

const publish = async ({ index }: Pick<ServedIndexUnderTest, 'index'>, version: string): Promise<void> =>
  void (await index.publisher.publish(newFile('demo', version)));

test('holdfast feed --follow prints changes as they come, ends cleanly at SIGTERM and SIGINT, and goes on where it was', {
  timeout: 120_000,
}, async (t) => {
  const served = await serveIndex(t);
  const directory = await trusting(t, served);
  const first = new Follower(directory);
  await first.until(({ changes }) => changes.length === 2);
  for (const version of [2, 3]) {
    await publish(served, `${version}.0`);
    await first.until(tells(version));
  }
  assert.deepEqual(first.steps.slice(2), [
    [1, 2],
    [2, 3],
  ]);
  assert.equal(first.changes.at(-1)?.timestamp, 3);
  const { code, err } = await first.stop('SIGTERM');
  assert.deepEqual([code, err], [0, '']);

  await publish(served, '4.0');
  const second = new Follower(directory);
  await second.until(tells(4));
  assert.deepEqual(second.steps, [[3, 4]], 'nothing is told twice, nothing passed over');
  assert.equal((await second.stop('SIGINT')).code, 0);
  const none = await holdfast(directory, ['feed']);
  assert.match(none.out, /^0 roles changed from version 4 to 4/);
  assert.equal((await holdfast(directory, ['feed', '--every', '3s'])).code, 2);
});

/** A server that hangs up on everybody, until so many came. */
async function asksInVain(port: number, times: number): Promise<void> {
  const enough = Promise.withResolvers<void>();
  let left = times;
  const server = createTcpServer((socket) => {
    socket.destroy();
    if (--left === 0) enough.resolve();
  }).listen(port, '127.0.0.1');
  await enough.promise;
  await new Promise((resolve) => server.close(resolve));
}

test('a follower outlives an index that restarts: it waits, says so once, and then tells what it missed', {
  timeout: 120_000,
}, async (t) => {
  const served = await serveIndex(t);
  const directory = await trusting(t, served);
  const follower = new Follower(directory);
  await follower.until(({ changes }) => changes.length === 2);
  const { port } = new URL(served.url);
  await served.close();
  await follower.until(({ noted }) => /cannot be reached/.test(noted));
  await asksInVain(Number(port), 4);
  const index = await openIndex(served.directory, { passphrase: PASSPHRASE });
  t.after(() => index.close());
  await publish({ index }, '2.0');
  await publish({ index }, '3.0');
  const server = await startServer(index, { host: '127.0.0.1', port: Number(port), closeMs: 500 });
  t.after(() => server.close());
  await follower.until(({ changes }) => changes.length > 2);
  await publish({ index }, '4.0');
  await follower.until(tells(4));
  const steps = follower.steps.slice(2);
  assert.deepEqual(steps[0], [1, 3], 'what it missed, in one step');
  assert.deepEqual(steps.at(-1), [3, 4]);
  const { code, err } = await follower.stop('SIGTERM');
  assert.equal(code, 0);
  assert.equal(err.match(/^main cannot be reached; what was verified before is used/gm)?.length, 1, err);
  assert.equal(err.match(/was passed over/g)?.length, 1, err);
  assert.match(err, /The index answers again\.\n$/);
});

test('a server that hangs does not keep a follower from ending', { timeout: 120_000 }, async (t) => {
  const served = await serveIndex(t);
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const address = silent.address();
  assert.ok(typeof address === 'object' && address);
  const directory = await trusting(t, served, `http://127.0.0.1:${address.port}`);
  const follower = new Follower(directory);
  await asked.promise;
  const began = performance.now();
  assert.equal((await follower.stop('SIGTERM')).code, 0);
  assert.ok(performance.now() - began < 5_000);
});

test('what is wrong with the index ends a follower with exit code 1: that is what auditors wait for', {
  timeout: 120_000,
}, async (t) => {
  const served = await serveIndex(t);
  const directory = await trusting(t, served);
  const follower = new Follower(directory);
  await follower.until(({ changes }) => changes.length === 2);
  await served.index.objects.delete('feed/0/2.0');
  const lost = served.index.objects.put.bind(served.index.objects);
  t.mock.method(served.index.objects, 'put', (...args: Parameters<typeof lost>) =>
    args[0] === 'feed/0/2.0' ? Promise.resolve('stored') : lost(...args),
  );
  await publish(served, '2.0');
  const { code, err } = await follower.end;
  assert.equal(code, 1);
  assert.match(err, /the change feed was refused at feed\/0\/2\.0: gap\.\n {2}\S/);
  t.mock.restoreAll();
});

test('what was told to nobody is told again: a reader that went away costs nothing', {
  timeout: 120_000,
}, async (t) => {
  const served = await serveIndex(t);
  const directory = await trusting(t, served);
  const first = new Follower(directory);
  await first.until(({ changes }) => changes.length === 2);
  first.closeOutput();
  await publish(served, '2.0');
  assert.equal((await first.end).code, 0);
  const second = new Follower(directory);
  await second.until(tells(2));
  assert.deepEqual(second.steps, [[1, 2]]);
  await second.stop('SIGTERM');
});
