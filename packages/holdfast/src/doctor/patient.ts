import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addTrust, IndexClient, type VerifiedProject } from '@holdfast/installer';
import { type ProjectName, normalizeName } from '@holdfast/python-index';
import { parseSnapshot, parseTimestamp, type Snapshot, type Timestamp } from '@holdfast/tuf';
import { Site } from './site.ts';

export interface Examined {
  /** The first is examined; the others are its mirrors. */
  readonly urls: readonly string[];
  /** The root that somebody trusts; without it, the one that the index shows is believed, and that is said. */
  readonly root: Uint8Array | undefined;
  readonly clock: () => Date;
  /** Chooses what is looked into: from 0 up to 1. */
  readonly random?: () => number;
}

/** A flat snapshot beyond this many bytes is not read: it would be most of what the doctor fetches. */
const MAX_SNAPSHOT_BYTES = 64 * 2 ** 20;
/** Projects that are looked into. */
const SAMPLES = 3;

/** An index under examination: what several checks need, fetched once. */
export class Patient {
  readonly site: Site;
  readonly mirrors: readonly Site[];
  readonly root: Uint8Array;
  readonly trusted: boolean;
  readonly client: IndexClient;
  readonly now: () => Date;
  readonly random: () => number;
  readonly #home: string;
  readonly #once = new Map<string, Promise<unknown>>();

  private constructor(
    { root: given, clock, random = Math.random }: Examined,
    found: { root: Uint8Array; client: IndexClient; home: string; sites: readonly Site[] },
  ) {
    const [site, ...mirrors] = found.sites;
    if (!site) throw new TypeError('an index has an address');
    this.site = site;
    this.mirrors = mirrors;
    this.root = found.root;
    this.trusted = given !== undefined;
    this.client = found.client;
    this.now = clock;
    this.random = random;
    this.#home = found.home;
  }

  /** @throws when there is no root to begin with */
  static async receive(examined: Examined): Promise<Patient> {
    const sites = examined.urls.map((url) => new Site(url));
    const home = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
    try {
      const root = examined.root ?? (await shownRoot(sites[0]));
      await addTrust({ home, name: 'examined', urls: examined.urls.slice(0, 1), root });
      const client = await IndexClient.open({ home, clock: examined.clock });
      return new Patient(examined, { root, client, home, sites });
    } catch (error) {
      for (const site of sites) site.close();
      await rm(home, { recursive: true, force: true });
      throw error;
    }
  }

  timestamp(): Promise<Timestamp> {
    return this.#first('timestamp', async () => parseTimestamp(await this.read('metadata/timestamp.json')).signed);
  }

  /** The flat snapshot; `undefined` when it is too long to be worth it. */
  snapshot(): Promise<Snapshot | undefined> {
    return this.#first('snapshot', async () => {
      const { version, length = 0 } = (await this.timestamp()).snapshotMeta;
      if (length > MAX_SNAPSHOT_BYTES) return undefined;
      return parseSnapshot(await this.read(`metadata/${version}.snapshot.json`)).signed;
    });
  }

  /** Some projects of the list that everybody sees, spread over it. */
  samples(): Promise<readonly ProjectName[]> {
    return this.#first('samples', async () => {
      const body = await this.read('simple/', { Accept: 'application/vnd.pypi.simple.v1+json' });
      const { projects } = JSON.parse(body.toString()) as { projects: readonly { name: string }[] };
      const step = Math.max(1, Math.floor(projects.length / SAMPLES));
      const some = projects.filter((_, at) => at % step === 0).slice(0, SAMPLES);
      return some.map(({ name }) => normalizeName(name));
    });
  }

  /** What signed metadata says of a project, verified. */
  verified(project: ProjectName): Promise<VerifiedProject | undefined> {
    return this.#first(`verified ${project}`, () => this.client.project(project));
  }

  /** @throws when the answer is not 200 */
  async read(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Buffer> {
    const { status, body } = await this.site.get(path, headers);
    if (status !== 200) throw new Error(`${path} answers ${status}`);
    return body;
  }

  async close(): Promise<void> {
    this.client.close();
    for (const site of [this.site, ...this.mirrors]) site.close();
    await rm(this.#home, { recursive: true, force: true });
  }

  #first<T>(name: string, work: () => Promise<T>): Promise<T> {
    const known = this.#once.get(name) as Promise<T> | undefined;
    const running = known ?? work();
    this.#once.set(name, running);
    return running;
  }
}

async function shownRoot(site: Site | undefined): Promise<Uint8Array> {
  const reply = await site?.get('metadata/1.root.json');
  if (reply?.status !== 200) throw new Error(`metadata/1.root.json answers ${reply?.status}`);
  return reply.body;
}
