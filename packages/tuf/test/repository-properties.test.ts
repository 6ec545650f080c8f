import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Draft,
  MemoryMetadataStore,
  MemoryRepositoryStorage,
  Repository,
  type RepositoryStorage,
  type Signer,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
} from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { python } from './python.ts';
import { DAY_MS, emptyFile } from './repository.ts';
import { by, forge, make, makeKeys, reader, rolesBy } from './served.ts';

const READ = `
import base64, json, os, sys, tempfile
from urllib.parse import unquote
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

class Files(FetcherInterface):
    def __init__(self, files):
        self.files = files
    def _fetch(self, url):
        name = unquote(url.removeprefix("http://x/"))
        if name not in self.files:
            raise DownloadHTTPError(name, 404)
        yield base64.b64decode(self.files[name])

found = []
for history in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as directory:
        for stage in history["stages"]:
            fetcher = Files(stage["files"])
            root = base64.b64decode(history["root"])
            updater = Updater(os.path.join(directory, "m"), "http://x/", directory, "http://x/", fetcher=fetcher, bootstrap=root)
            infos = {path: updater.get_targetinfo(path) for path in history["paths"]}
            found.append({path: info.length for path, info in infos.items() if info is not None})
print(json.dumps(found))
`;

const ROLES = ['r0', 'r1', 'r2'] as const;
const PATHS = [...ROLES, 'bins', 'top'].flatMap((folder) => ['a', 'ü', 'z'].map((name) => `${folder}/${name}`));
const now = new Date();

type Step =
  | { readonly kind: 'add'; readonly path: string; readonly length: number }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'delegate' | 'undelegate' | 'rotate'; readonly role: (typeof ROLES)[number] }
  | { readonly kind: 'rotate-top'; readonly role: TopLevelRole }
  | { readonly kind: 'rotate-bins' | 'renew' | 'sweep' | 'reopen' };

const path = fc.constantFrom(...PATHS);
const role = fc.constantFrom(...ROLES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('add' as const), path, length: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('delegate', 'undelegate', 'rotate'), role }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('rotate-top' as const), role: fc.constantFrom(...TOP_LEVEL_ROLES) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('rotate-bins', 'renew', 'sweep', 'reopen') }) },
);
/** What a client meets one after the other. */
interface History {
  readonly root: string;
  readonly paths: readonly string[];
  readonly stages: readonly Stage[];
}

interface Stage {
  readonly files: Record<string, string>;
}

/** Steps of one publication. */
const publications = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 7 });

/** A repository beside what its clients should find: plain maps, each role answering for a folder of its own. */
class Twin {
  readonly storage = new MemoryRepositoryStorage();
  readonly expected = new Map<string, Map<string, number>>([
    ['top', new Map()],
    ['bins', new Map()],
  ]);
  private readonly signers: Signer[] = [];
  private repository: Repository;
  readonly root: Uint8Array;
  /** By the draft at hand. What comes back in the same draft has only changed its keys. */
  private readonly takenAway = new Map<string, Map<string, number>>();
  /** Keys are made beforehand: the repository has to have their signers when it is opened. */
  private readonly spare: LocalSigner[];

  private constructor(
    repository: Repository,
    storage: MemoryRepositoryStorage,
    signers: readonly Signer[],
    spare: LocalSigner[],
  ) {
    this.repository = repository;
    this.storage = storage;
    this.signers.push(...signers, ...spare);
    this.root = repository.root;
    this.spare = [...spare];
  }

  static async create(): Promise<Twin> {
    const storage = new MemoryRepositoryStorage();
    const keys = await makeKeys();
    const spare = await Promise.all(Array.from({ length: 30 }, () => generateKey('ed25519')));
    const signers = Object.values(keys);
    const repository = await Repository.create({ storage, clock: () => now, signers, roles: rolesBy(keys) });
    const twin = new Twin(repository, storage, signers, spare);
    await twin.reopen();
    await twin.repository.update(async (draft) => {
      draft.targets.delegate({ name: 'bins', ...by(twin.next()), paths: ['bins/*'] });
      const bins = await draft.targets.role('bins');
      bins.delegateBins({ ...by(twin.next()), bitLength: 2, namePrefix: 'bin' });
    });
    return twin;
  }

  async reopen(): Promise<void> {
    const { storage, signers, root } = this;
    this.repository = await Repository.open({ storage, clock: () => now, signers, trustedRoot: root });
  }

  async publish(steps: readonly Step[]): Promise<void> {
    this.takenAway.clear();
    await this.repository.update(async (draft) => {
      for (const one of steps) await this.take(draft, one);
    });
    for (const { kind } of steps) {
      if (kind === 'renew') await this.repository.renew({ before: new Date(now.getTime() + 8 * DAY_MS) });
      if (kind === 'sweep') await this.repository.sweep({ grace: 0 });
      if (kind === 'reopen') await this.reopen();
    }
  }

  private async take(draft: Draft, one: Step): Promise<void> {
    if (one.kind === 'add' || one.kind === 'remove') return this.change(draft, one);
    if (one.kind === 'rotate-top') draft.root.setKeys(one.role, by(this.next()));
    if (one.kind === 'rotate-bins') (await draft.targets.role('bins')).setKeys('bin', by(this.next()));
    if (one.kind === 'delegate') this.delegate(draft, one.role);
    if (one.kind === 'undelegate') this.undelegate(draft, one.role);
    if (one.kind === 'rotate' && this.expected.has(one.role)) draft.targets.setKeys(one.role, by(this.next()));
  }

  private delegate(draft: Draft, name: string): void {
    if (this.expected.has(name)) return;
    // A key that it never had: so it begins empty, unless it was there when this draft began.
    draft.targets.delegate({ name, ...by(this.next()), paths: [`${name}/*`] });
    this.expected.set(name, this.takenAway.get(name) ?? new Map<string, number>());
  }

  private undelegate(draft: Draft, name: string): void {
    assert.equal(draft.targets.undelegate(name), this.expected.has(name));
    const targets = this.expected.get(name);
    if (targets !== undefined) this.takenAway.set(name, targets);
    this.expected.delete(name);
  }

  private async change(draft: Draft, one: Extract<Step, { path: string }>): Promise<void> {
    const folder = one.path.slice(0, one.path.indexOf('/'));
    const targets = this.expected.get(folder);
    if (targets === undefined) return;
    const role = folder === 'top' ? draft.targets : await draft.targets.role(folder);
    if (one.kind === 'add') {
      await role.addTarget(one.path, emptyFile(one.length));
      targets.set(one.path, one.length);
    } else {
      assert.equal(await role.removeTarget(one.path), targets.delete(one.path));
    }
  }

  private next(): LocalSigner {
    const signer = this.spare.shift();
    if (signer === undefined) throw new Error('not enough keys were made');
    return signer;
  }

  get found(): Record<string, number> {
    return Object.fromEntries([...this.expected.values()].flatMap((targets) => [...targets]));
  }
}

async function served(storage: RepositoryStorage): Promise<Stage> {
  const files: Record<string, string> = {};
  for (const path of await storage.list('metadata'))
    files[path.slice('metadata/'.length)] = base64((await storage.read(path)) ?? new Uint8Array());
  return { files };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

describe('any sequence of edits', () => {
  const histories: History[] = [];
  const expected: Record<string, number>[] = [];

  it('is read by our client, new or remembering, as what was meant', async () => {
    await fc.assert(
      fc.asyncProperty(publications, async (sequence) => {
        const twin = await Twin.create();
        const store = new MemoryMetadataStore();
        const stages: Stage[] = [];
        for (const steps of sequence) {
          await twin.publish(steps);
          for (const client of [{ now }, { now, store }]) {
            const updater = reader(twin.storage, twin.root, client);
            const found: Record<string, number> = {};
            for (const target of PATHS) {
              const info = await updater.targetInfo(target);
              if (info !== undefined) found[target] = info.file.length;
            }
            assert.deepEqual(sorted(found), sorted(twin.found));
          }
          stages.push(await served(twin.storage));
          expected.push(twin.found);
        }
        histories.push({ root: base64(twin.root), paths: PATHS, stages });
      }),
      { numRuns: 25 },
    );
  });

  it('is read by python-tuf, version after version, as what was meant', () => {
    assert.ok(histories.length >= 25);
    const found = python(READ, histories);
    assert.ok(Array.isArray(found));
    assert.deepEqual(found.map(sorted), expected.map(sorted));
  });
});

describe('python-tuf', () => {
  it('recovers from a fast-forward attack as well, when timestamp and snapshot have new keys (§5.3.11)', async () => {
    const { storage, keys, root } = await make(undefined, { clock: () => now });
    await forge(storage, keys, now);
    const attacked = await served(storage);
    const fresh = await makeKeys();
    const signers = [...Object.values(keys), fresh.timestamp, fresh.snapshot];
    const repository = await Repository.open({ storage, clock: () => now, signers, trustedRoot: root });
    await repository.update(async (draft) => {
      for (const role of ['timestamp', 'snapshot'] as const) draft.root.setKeys(role, by(fresh[role]));
      for (const role of [draft.timestamp, draft.snapshot, draft.targets]) role.setVersion(2);
      await draft.targets.addTarget('top/a', emptyFile(3));
    });
    const history: History = { root: base64(root), paths: ['top/a'], stages: [attacked, await served(storage)] };
    assert.deepEqual(python(READ, [history]), [{}, { 'top/a': 3 }]);
  });
});

function sorted(found: unknown): [string, unknown][] {
  return Object.entries(found ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}
