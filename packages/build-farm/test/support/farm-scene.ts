import { hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  delegate,
  getAccount,
  IndexApi,
  inspectFile,
  registerKey,
  release,
  requestKey,
  type Settled,
  type Workbench,
} from '@holdfast/developer';
import { addTrust, IndexClient } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import { generateKey, type LocalSigner, writeFileAtomic } from '@holdfast/tuf/node';
import { serveIndex, type ServedIndexUnderTest } from '../../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../../index/test/support/tools.ts';
import { upload } from '../../../index/test/support/upload.ts';
import type { Distribution } from '../../../index/test/support/wheel.ts';
import type { BuildOptions } from '../../src/build/build-wheel.ts';
import { findPython } from '../../src/build/python.ts';
import type { FarmEvent } from '../../src/farm/events.ts';
import { runRound, type Round, type RoundOptions } from '../../src/farm/farm.ts';
import { FarmState } from '../../src/farm/farm-state.ts';
import type { FarmWork } from '../../src/farm/farm-work.ts';
import { bubblewrapIsolation } from '../../src/sandbox/isolation.ts';
import { PYTHON } from './projects.ts';

/** Somebody with a token, a key that is registered, and a home that trusts the index. */
export interface Person {
  readonly bench: Workbench;
  readonly signer: LocalSigner;
  readonly home: string;
  readonly token: string;
}

export interface TestFarm extends Person {
  readonly state: FarmState;
  readonly events: FarmEvent[];
  readonly work: FarmWork;
  round(options?: RoundOptions): Promise<Round>;
}

export interface FarmScene {
  readonly served: ServedIndexUnderTest;
  readonly directory: string;
  readonly developer: Person;
  /** An uploader who signs nothing brings a file: what builds need. */
  uploadPlain(file: Distribution): Promise<void>;
  /** The developer signs and publishes a file, and claims the project with the first. */
  releaseFile(file: Distribution): Promise<void>;
  delegateWheels(
    project: string,
    farms: readonly Person[],
    threshold?: number,
    patterns?: readonly string[],
  ): Promise<Settled>;
  person(account: string): Promise<Person>;
  farm(
    account: string,
    changes?: { readonly now?: () => Date; readonly build?: Partial<BuildOptions> },
  ): Promise<TestFarm>;
}

/** A real index in which developers sign, and its developer. */
export async function makeFarmScene(t: TestContext): Promise<FarmScene> {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const directory = await temporaryDirectory(t, 'farm');
  const person = (account: string): Promise<Person> => makePerson(t, served, directory, account);
  const developer = await person('dev');
  return {
    served,
    directory,
    developer,
    person,
    async uploadPlain(file) {
      const answer = await upload(served, file);
      if (answer.status !== 200) throw new Error(await answer.text());
    },
    async releaseFile(file) {
      const state = await releaseAs(developer, directory, file);
      if (state !== 'published') throw new Error(state);
    },
    delegateWheels: (project, farms, threshold = farms.length, patterns = ['*.whl']) =>
      delegate(developer.bench, normalizeName(project), {
        name: 'build-farm',
        keys: farms.map(({ signer }) => signer.key),
        threshold,
        patterns,
      }),
    async farm(account, { build = {}, now } = {}) {
      const farmer = await person(account);
      const state = FarmState.open(join(directory, `state-${account}`));
      t.after(() => state.close());
      const options = { python: await python, isolation: await isolation, ...build };
      const events: FarmEvent[] = [];
      const work: FarmWork = {
        bench: { ...farmer.bench, ...(now && { now }) },
        signer: farmer.signer,
        state,
        maxAgeMs: 30 * 86_400_000,
        building: () => options,
        tell: (happened) => void events.push(happened),
      };
      return { ...farmer, state, events, work, round: (given) => runRound(work, given) };
    },
  };
}

const python = findPython(PYTHON);
const isolation = python.then((found) => bubblewrapIsolation({ python: found }));

async function makePerson(
  t: TestContext,
  served: ServedIndexUnderTest,
  directory: string,
  account: string,
): Promise<Person> {
  await served.index.accounts.createAccount(account);
  const { token } = await served.index.accounts.createToken({ account, label: 'test' });
  const home = join(directory, `home-${account}`);
  await mkdir(home);
  await addTrust({ home, name: 'main', urls: [`${served.url}/`], root: served.root, environment: {} });
  const client = await IndexClient.open({ home, environment: {}, refreshAfterMs: 0 });
  t.after(() => client.close());
  const api = new IndexApi({ url: served.url, token, environment: {} });
  const signer = await generateKey('ed25519');
  await registerKey(api, await requestKey(await getAccount(api), signer, 'test'), undefined);
  const index = hash('sha256', served.root);
  const bench = { client, api, account, index, signer: async () => signer, now: () => new Date() };
  return { bench, signer, home, token };
}

/** Signs and sends a file with the ordinary tools; says what became of it. */
export async function releaseAs({ bench }: Person, directory: string, file: Distribution): Promise<string> {
  const path = join(directory, file.filename);
  await writeFileAtomic(path, file.bytes);
  const local = await inspectFile(path);
  const { outcome } = await release(bench, local.name.project, [local], { claim: true });
  return outcome.state;
}

export async function filesOf({ bench }: Person, project: string): Promise<readonly string[]> {
  await bench.client.refresh();
  const found = await bench.client.project(normalizeName(project));
  return (found?.files ?? []).map(({ filename }) => filename).toSorted();
}
