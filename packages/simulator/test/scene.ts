import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addOnlineKey, initIndex, type OpenIndex, openIndex, type RunningServer, startServer } from '@holdfast/index';
import { holdCeremony, nextRoot, nextTargets } from '@holdfast/operator';
import { generateKey, type LocalSigner, readKeyFile } from '@holdfast/tuf/node';
import { upload } from '../../index/test/support/upload.ts';
import { type Distribution, makeWheel } from '../../index/test/support/wheel.ts';
import { EvilMirror } from '../src/index.ts';
import { type Outcome, User } from './user.ts';

const PASSPHRASE = 'a passphrase for tests';
const YEAR_SECONDS = 365 * 86_400;

export interface OnlineKeys {
  readonly timestamp: LocalSigner;
  readonly snapshot: LocalSigner;
  readonly unclaimed: LocalSigner;
}

/** What every refusal of forged or damaged data tells people to do. */
export const ATTACK_REMEDY =
  'Nothing of it was used. Try again later or add another mirror; if it stays, tell the people who run the index.';

/** The real index with keys of a real ceremony, a mirror of it in an attacker's hands, and users who trust the mirror. */
export class Scene {
  readonly mirror: EvilMirror;
  /** The first root: where every user's trust begins. */
  readonly root: Uint8Array;
  online: OnlineKeys;
  readonly #directory: string;
  readonly #token: string;
  readonly #closing: (() => Promise<void>)[] = [];
  #index: OpenIndex;
  #server: RunningServer;

  static async open(): Promise<Scene> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
    const offlineDirectory = join(directory, 'offline');
    const online = await generateKey('ed25519');
    const ceremony = await holdCeremony({
      offlineDirectory,
      online: online.key,
      root: { holders: 3, threshold: 2 },
      targets: { holders: 2, threshold: 2 },
      lifetime: YEAR_SECONDS,
      now: new Date(),
      passphraseFor: async () => PASSPHRASE,
    });
    const { root, targets } = ceremony;
    await initIndex({ directory: join(directory, 'index'), root, targets, onlineKey: online, passphrase: PASSPHRASE });
    const [index, server] = await start(join(directory, 'index'), 0);
    await index.accounts.createAccount('ann');
    const { token } = await index.accounts.createToken({ account: 'ann', label: 'test' });
    const mirror = await EvilMirror.start(server.url);
    return new Scene({ directory, root, online, token, index, server, mirror });
  }

  private constructor(parts: {
    directory: string;
    root: Uint8Array;
    online: LocalSigner;
    token: string;
    index: OpenIndex;
    server: RunningServer;
    mirror: EvilMirror;
  }) {
    this.#directory = parts.directory;
    this.root = parts.root;
    this.online = { timestamp: parts.online, snapshot: parts.online, unclaimed: parts.online };
    this.#token = parts.token;
    this.#index = parts.index;
    this.#server = parts.server;
    this.mirror = parts.mirror;
  }

  /** Of the honest index itself. */
  get url(): string {
    return this.#server.url;
  }

  /** The newest published metadata of a role. */
  async metadata(role: string): Promise<Uint8Array> {
    const bytes = await this.#index.metadata.newest(role);
    assert.ok(bytes, `there is no ${role}`);
    return bytes;
  }

  /** The keys of offline holders, taken out of their drawer: `root-1`. */
  holders(...names: readonly string[]): Promise<LocalSigner[]> {
    const keyFile = (name: string): string => join(this.#directory, 'offline', name, 'key.json');
    return Promise.all(names.map((name) => readKeyFile(keyFile(name), PASSPHRASE)));
  }

  wheel(name: string, version: string, requires: readonly string[] = []): Distribution {
    const needs = requires.map((each) => `Requires-Dist: ${each}\n`).join('');
    return makeWheel({
      name,
      version,
      metadata: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${needs}\nA demo.\n`,
    });
  }

  /** Uploads a wheel as twine does. It is signed when this returns. */
  async publish(name: string, version: string, requires: readonly string[] = []): Promise<Distribution> {
    const wheel = this.wheel(name, version, requires);
    const answer = await upload({ url: this.url, token: this.#token }, wheel);
    assert.equal(answer.status, 200, await answer.text());
    return wheel;
  }

  /** A user with an empty store, whose only mirror is the attacker's unless others are given. */
  async newUser(mirrors: readonly string[] = [this.mirror.url]): Promise<User> {
    return User.make(await mkdtemp(join(this.#directory, 'user-')), mirrors, this.root);
  }

  /** A further mirror in the attacker's hands. */
  async addMirror(): Promise<EvilMirror> {
    const mirror = await EvilMirror.start(this.url);
    this.#closing.push(() => mirror.close());
    return mirror;
  }

  beHonest(): void {
    this.mirror.attack = (_path, honest) => honest();
    this.mirror.lookups = true;
  }

  /** Until {@link beHonest} the mirror has only files, so that users read the whole snapshot and every role by itself. */
  filesOnly(): void {
    this.mirror.lookups = false;
  }

  /**
   * Asserts that an installation is refused: the tool fails, nothing is installed, and what is said names what was refused,
   * why (every phrase of `why`) and what to do. Then the mirror becomes honest, and the same user installs with the same store.
   */
  async refuses(
    user: User,
    project: string,
    why: readonly (string | RegExp)[],
    options: { remedy?: string; days?: number; tool?: 'pip' | 'uv'; recovers?: boolean } = {},
  ): Promise<Outcome> {
    const refused = await user.install(project, options);
    const shown = `${refused.said}\n--- ${options.tool ?? 'pip'}\n${refused.tool}`;
    assert.notEqual(refused.code, 0, shown);
    assert.deepEqual(refused.installed, [], shown);
    assert.match(refused.said, /^holdfast: REFUSED \S+/m, shown);
    for (const phrase of why) {
      if (typeof phrase === 'string') assert.ok(refused.said.includes(phrase), `"${phrase}" is not said:\n${shown}`);
      else assert.match(refused.said, phrase, shown);
    }
    const remedy = options.remedy ?? ATTACK_REMEDY;
    assert.ok(refused.said.includes(remedy), `"${remedy}" is not said:\n${shown}`);
    assert.doesNotMatch(refused.said, /\n\s+at |undefined|\[object/, 'a person is not told about our code');
    if (options.recovers !== false) {
      this.beHonest();
      await this.installs(user, project);
    }
    return refused;
  }

  /** Asserts that an installation works; with `version`, that it brings exactly this one. */
  async installs(
    user: User,
    project: string,
    { version, ...options }: { version?: string; tool?: 'pip' | 'uv'; days?: number } = {},
  ): Promise<Outcome> {
    const outcome = await user.install(project, options);
    const shown = `${outcome.said}\n${outcome.tool}`;
    assert.equal(outcome.code, 0, shown);
    assert.doesNotMatch(outcome.said, /REFUSED/);
    const name = project.replaceAll('-', '_');
    const [first = ''] = outcome.installed.filter((module) => module.startsWith(`${name} `));
    assert.ok(version === undefined ? first !== '' : first === `${name} ${version}`, `${first}\n${shown}`);
    return outcome;
  }

  /**
   * The operators answer a theft: new online keys, named by the next root and the next targets, which a threshold of the
   * offline holders sign.
   */
  async replaceOnlineKeys(split = false): Promise<void> {
    const unclaimed = await generateKey('ed25519');
    const timestamp = split ? await generateKey('ed25519') : unclaimed;
    const online = { timestamp, snapshot: timestamp, unclaimed };
    const directory = join(this.#directory, 'index');
    for (const key of new Set(Object.values(online))) await addOnlineKey(directory, key, PASSPHRASE);
    const port = Number(new URL(this.url).port);
    await this.#stop();
    [this.#index, this.#server] = await start(directory, port);
    const expires = new Date(Math.floor(Date.now() / 1000 + YEAR_SECONDS) * 1000);
    const only = (signer: LocalSigner) => ({ keys: [signer.key], threshold: 1 });
    const roles = { timestamp: only(timestamp), snapshot: only(timestamp) };
    const rootHolders = await this.holders('root-2', 'root-3');
    const root = await nextRoot(this.#index.metadata.root, { expires, roles }, rootHolders);
    const changes = { expires, online: only(unclaimed) };
    const holders = await this.holders('targets-1', 'targets-2');
    const targets = await nextTargets(await this.metadata('targets'), changes, holders);
    await this.#index.importOffline({ root, targets });
    this.online = online;
  }

  /** Takes the honest index off the network, or brings it back at the same address. */
  async whileDown(work: () => Promise<void>): Promise<void> {
    const port = Number(new URL(this.url).port);
    await this.#stop();
    try {
      await work();
    } finally {
      [this.#index, this.#server] = await start(join(this.#directory, 'index'), port);
    }
  }

  /** The path of a file below the directory of the index. */
  inIndex(path: string): string {
    return join(this.#directory, 'index', path);
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    await this.mirror.close();
    await this.#stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #stop(): Promise<void> {
    await this.#server.close();
    await this.#index.close();
  }
}

async function start(directory: string, port: number): Promise<[OpenIndex, RunningServer]> {
  const index = await openIndex(directory, { passphrase: PASSPHRASE });
  return [index, await startServer(index, { host: '127.0.0.1', port, closeMs: 500 })];
}
