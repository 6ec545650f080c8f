import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSignature,
  type Delegations,
  FormatError,
  HashMismatchError,
  isRevocation,
  LengthMismatchError,
  LimitError,
  makePublicKey,
  MemoryMetadataStore,
  type MetadataStore,
  MismatchError,
  NetworkError,
  NotFoundError,
  NULL_KEY,
  parseRotation,
  ReplacedRotationError,
  revocationJson,
  RoleRevokedError,
  RollbackError,
  rotationJson,
  rotationMeta,
  rotationName,
  rotationPath,
  type Signer,
  signMetadata,
  TrustedSet,
  UnsignedMetadataError,
  Updater,
  type UpdaterOptions,
} from '@holdfast/tuf';
import { delegate, delegateBins, emptyFile, key, NOW, TestRepository } from './repository.ts';

const [a, b, c, d] = await Promise.all([key(), key(), key(), key()]);
const X = new Map([['x', emptyFile()]]);

/** `targets` delegates everything to `foo`, which is signed by the signers given. */
async function repositoryOf(delegated: Signer, signers: readonly Signer[]): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.roles.set('targets', {
    signers: repository.signers.targets,
    delegations: delegate({ name: 'foo', signer: delegated }),
  });
  repository.roles.set('foo', { signers, targets: X });
  return repository;
}

interface Rotate {
  readonly role?: string;
  readonly version: number;
  readonly to: readonly Signer[];
  readonly by: readonly Signer[];
  readonly threshold?: number;
}

const signed = ({ role = 'foo', version, to, by, threshold = 1 }: Rotate): Promise<Uint8Array> =>
  signMetadata(rotationJson({ role, version, threshold, keys: to.map((signer) => signer.key) }), by);

const revoked = (version: number, by: readonly Signer[], role = 'foo'): Promise<Uint8Array> =>
  signMetadata(revocationJson({ role, version }), by);

/** Puts a rotate file where it belongs and lists it, with its hash or without. */
async function list(repository: TestRepository, bytes: Uint8Array, withHash = true): Promise<void> {
  const { role, version } = parseRotation(bytes).signed;
  repository.files.set(rotationPath(role, version), bytes);
  const [name, meta] = await rotationMeta(bytes);
  repository.extraMeta.set(name, withHash ? meta : { version });
}

async function rotate(repository: TestRepository, ...steps: readonly Rotate[]): Promise<void> {
  for (const step of steps) await list(repository, await signed(step));
  await repository.publish();
}

function clientOf(
  repository: TestRepository,
  store: MetadataStore = new MemoryMetadataStore(),
  options: Partial<UpdaterOptions> = {},
): Updater {
  repository.requests.length = 0;
  return new Updater({ trustedRoot: repository.rootBytes, fetcher: repository, store, clock: () => NOW, ...options });
}

const lookUp = async (repository: TestRepository, ...rest: [MetadataStore?, Partial<UpdaterOptions>?]) =>
  clientOf(repository, ...rest).targetInfo('x');

const rotateRequests = (repository: TestRepository): readonly string[] =>
  repository.requests.filter((path) => path.startsWith('rotate/'));

const refusesUnsigned = (role: string) => (error: unknown) =>
  error instanceof UnsignedMetadataError && error.role === role;

describe('rotation of keys by the role itself (TAP 8)', () => {
  it('believes the new key, and the old one no longer', async () => {
    const repository = await repositoryOf(a, [b]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    const info = await lookUp(repository);
    assert.deepEqual(info?.keys, [b.key.keyid]);
    assert.deepEqual(rotateRequests(repository), ['rotate/foo.rotate.1.json']);
    repository.roles.set('foo', { signers: [a], targets: X });
    await repository.publish();
    await assert.rejects(lookUp(repository), refusesUnsigned('foo'));
  });

  it('follows a chain in order, also back to a key that was there before', async () => {
    const repository = await repositoryOf(a, [c]);
    await rotate(repository, { version: 1, to: [b], by: [a] }, { version: 2, to: [c], by: [b] });
    assert.deepEqual((await lookUp(repository))?.keys, [c.key.keyid]);
    assert.deepEqual(rotateRequests(repository), ['rotate/foo.rotate.1.json', 'rotate/foo.rotate.2.json']);
    repository.roles.set('foo', { signers: [a], targets: X });
    await rotate(repository, { version: 3, to: [a], by: [c] });
    assert.deepEqual((await lookUp(repository))?.keys, [a.key.keyid]);
  });

  it('needs a threshold of the old keys, counted by key material', async () => {
    const repository = await repositoryOf(a, [d]);
    const again = { ...a.key, keyid: 'again' };
    const delegations: Delegations = {
      keys: new Map([a.key, b.key, c.key, again].map((listed) => [listed.keyid, listed])),
      roles: [
        {
          name: 'foo',
          keyids: [a.key.keyid, b.key.keyid, c.key.keyid, 'again'],
          threshold: 2,
          terminating: false,
          paths: ['*'],
        },
      ],
    };
    repository.roles.set('targets', { signers: repository.signers.targets, delegations });
    const aAgain: Signer = { key: again, sign: (data) => a.sign(data) };
    for (const by of [[a], [a, aAgain], [a, d]]) {
      await rotate(repository, { version: 1, to: [d], by });
      await assert.rejects(lookUp(repository), refusesUnsigned('rotate/foo.rotate.1.json'));
    }
    await rotate(repository, { version: 1, to: [d], by: [b, c] });
    assert.deepEqual((await lookUp(repository))?.keys, [d.key.keyid]);
  });

  it('makes the new threshold that of the role and of the next rotation', async () => {
    const repository = await repositoryOf(a, [a]);
    await rotate(repository, { version: 1, to: [a, b, c], threshold: 2, by: [a] });
    await assert.rejects(lookUp(repository), refusesUnsigned('foo'));
    repository.roles.set('foo', { signers: [a, c], targets: X });
    await repository.publish();
    assert.deepEqual(new Set((await lookUp(repository))?.keys), new Set([a.key.keyid, c.key.keyid]));
    await rotate(repository, { version: 2, to: [d], by: [b] });
    await assert.rejects(lookUp(repository), refusesUnsigned('rotate/foo.rotate.2.json'));
    repository.roles.set('foo', { signers: [d], targets: X });
    await rotate(repository, { version: 2, to: [d], by: [b, a] });
    assert.deepEqual((await lookUp(repository))?.keys, [d.key.keyid]);
  });

  it('lets holders who never meet sign one after the other', async () => {
    const repository = await repositoryOf(a, [b]);
    await rotate(repository, { version: 1, to: [a, b], threshold: 2, by: [a] });
    let bytes = await signed({ version: 2, to: [b], by: [] });
    for (const signer of [b, a]) bytes = await addSignature(bytes, signer);
    await list(repository, bytes);
    await repository.publish();
    assert.deepEqual((await lookUp(repository))?.keys, [b.key.keyid]);
  });

  it('refuses a rotation that is forged, or meant for something else', async () => {
    const repository = await repositoryOf(a, [b]);
    const put = async (bytes: Uint8Array): Promise<void> => {
      repository.files.set(rotationPath('foo', 1), bytes);
      repository.extraMeta.set(rotationName('foo', 1), { version: 1 });
      await repository.publish();
    };
    await put(await signed({ version: 1, to: [b], by: [b] }));
    await assert.rejects(lookUp(repository), refusesUnsigned('rotate/foo.rotate.1.json'));
    await put(await signed({ role: 'bar', version: 1, to: [b], by: [a] }));
    await assert.rejects(
      lookUp(repository),
      (error) => error instanceof FormatError && /signed.role/.test(error.where),
    );
    await put(await signed({ version: 2, to: [b], by: [a] }));
    await assert.rejects(lookUp(repository), MismatchError);
    await put(repository.file('1.targets.json'));
    await assert.rejects(lookUp(repository), FormatError);
    await put(await signed({ version: 1, to: [b], by: [a] }));
    assert.ok(await lookUp(repository));
  });

  it('refuses a role whose rotate file is missing, too long, or not the one that the snapshot lists', async () => {
    const repository = await repositoryOf(a, [a]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    repository.files.delete(rotationPath('foo', 1));
    await assert.rejects(lookUp(repository), NotFoundError);
    repository.files.set(rotationPath('foo', 1), await signed({ version: 1, to: [c], by: [a] }));
    await assert.rejects(lookUp(repository), HashMismatchError);
    repository.extraMeta.set(rotationName('foo', 1), { version: 1, length: 10 });
    await repository.publish();
    await assert.rejects(lookUp(repository), { code: 'LENGTH' });
  });

  it('reads no more of a rotate file than of a root, whatever is announced', async () => {
    const repository = await repositoryOf(a, [b]);
    const bytes = await signed({ version: 1, to: [b], by: [a] });
    const padded = new Uint8Array(600_000).fill(0x20);
    padded.set(bytes);
    repository.files.set(rotationPath('foo', 1), padded);
    for (const meta of [{ version: 1 }, { version: 1, length: padded.length }]) {
      repository.extraMeta.set(rotationName('foo', 1), meta);
      await repository.publish();
      await assert.rejects(
        lookUp(repository),
        (error) => error instanceof LengthMismatchError && error.expected === 512_000 && error.actual === undefined,
      );
    }
    assert.ok(await lookUp(repository, undefined, { limits: { rootBytes: 600_000 } }));
  });

  it('refuses a snapshot in which a rotate file has disappeared', async () => {
    const repository = await repositoryOf(a, [b]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    const store = new MemoryMetadataStore();
    await lookUp(repository, store);
    repository.extraMeta.clear();
    repository.roles.set('foo', { signers: [a], targets: X });
    await repository.publish();
    await assert.rejects(
      lookUp(repository, store),
      (error) => error instanceof RollbackError && error.role === 'rotate/foo.rotate.1',
    );
  });

  it('refuses another rotation in place of one that it has seen', async () => {
    for (const withHash of [true, false]) {
      const repository = await repositoryOf(a, [b]);
      await list(repository, await signed({ version: 1, to: [b], by: [a] }), withHash);
      await repository.publish();
      const store = new MemoryMetadataStore();
      assert.ok(await lookUp(repository, store));
      await list(repository, await signed({ version: 1, to: [c], by: [a] }), withHash);
      repository.roles.set('foo', { signers: [c], targets: X });
      await repository.publish();
      await assert.rejects(lookUp(repository, store), ReplacedRotationError);
    }
  });

  it('does not let a damaged or alien file in the store stand in the way', async () => {
    const repository = await repositoryOf(a, [b]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    for (const bytes of [new Uint8Array(3), await signed({ version: 1, to: [c], by: [d] })]) {
      const store = new MemoryMetadataStore();
      await store.write(rotationName('foo', 1), bytes);
      assert.ok(await lookUp(repository, store));
      assert.deepEqual(await store.read(rotationName('foo', 1)), repository.file(rotationPath('foo', 1)));
    }
  });

  it('follows as many rotations as it is told to, and no more; cycles end there too', async () => {
    const repository = await repositoryOf(a, [b]);
    const [signers, others] = [[a], [b]];
    for (let version = 1; version <= 3; version++) {
      const [by, to] = version % 2 === 1 ? [signers, others] : [others, signers];
      await rotate(repository, { version, to, by });
    }
    const limits = { keyRotations: 3 };
    assert.ok(await lookUp(repository, undefined, { limits }));
    await rotate(repository, { version: 4, to: signers, by: others });
    await assert.rejects(
      lookUp(repository, undefined, { limits }),
      (error) => error instanceof LimitError && /foo.* 3 rotations/.test(error.message),
    );
    assert.equal(rotateRequests(repository).length, 3);
  });

  it('begins with the keys of each parent', async () => {
    const repository = await TestRepository.create();
    const parents = (one: Signer, other: Signer): void => {
      repository.roles.set('targets', {
        signers: repository.signers.targets,
        delegations: delegate({ name: 'p', signer: d, paths: ['p'] }, { name: 'q', signer: d, paths: ['q'] }),
      });
      const targets = new Map([
        ['p', emptyFile()],
        ['q', emptyFile()],
      ]);
      repository.roles.set('p', { signers: [d], delegations: delegate({ name: 'foo', signer: one }) });
      repository.roles.set('q', { signers: [d], delegations: delegate({ name: 'foo', signer: other }) });
      repository.roles.set('foo', { signers: [c], targets });
    };
    parents(a, a);
    await rotate(repository, { version: 1, to: [c], by: [a] });
    const updater = clientOf(repository);
    assert.deepEqual((await updater.targetInfo('p'))?.keys, [c.key.keyid]);
    assert.deepEqual((await updater.targetInfo('q'))?.keys, [c.key.keyid]);
    assert.deepEqual(rotateRequests(repository), ['rotate/foo.rotate.1.json']);
    // A parent whose keys did not sign the rotation has not handed the role over.
    parents(a, b);
    await repository.publish();
    const other = clientOf(repository);
    assert.deepEqual((await other.targetInfo('p'))?.keys, [c.key.keyid]);
    await assert.rejects(other.targetInfo('q'), refusesUnsigned('rotate/foo.rotate.1.json'));
    repository.roles.set('foo', { signers: [b, c], targets: new Map([['q', emptyFile()]]) });
    await repository.publish();
    await assert.rejects(clientOf(repository).targetInfo('q'), refusesUnsigned('rotate/foo.rotate.1.json'));
  });

  it('is for the top-level targets and for bins too, under any name', async () => {
    const repository = await repositoryOf(a, [a]);
    repository.roles.set('targets', {
      signers: [d],
      delegations: delegateBins(a, { bitLength: 1, namePrefix: 'é/b' }),
    });
    for (const bin of ['é/b-0', 'é/b-1']) repository.roles.set(bin, { signers: [b], targets: X });
    await rotate(
      repository,
      { role: 'targets', version: 1, to: [d], by: repository.signers.targets },
      { role: 'é/b-0', version: 1, to: [b], by: [a] },
      { role: 'é/b-1', version: 1, to: [b], by: [a] },
    );
    assert.deepEqual((await lookUp(repository))?.keys, [b.key.keyid]);
    assert.match(
      rotateRequests(repository).join(),
      /^rotate\/targets\.rotate\.1\.json,rotate\/%C3%A9%2Fb-[01]\.rotate\.1\.json$/,
    );
  });

  it('is overruled for targets by a root that replaces its keys and those of the snapshot (§5.3.11)', async () => {
    const repository = await TestRepository.create();
    const targets = { targets: X };
    repository.roles.set('targets', { signers: [b], ...targets });
    await rotate(repository, { role: 'targets', version: 1, to: [b], by: repository.signers.targets });
    const store = new MemoryMetadataStore();
    assert.deepEqual((await lookUp(repository, store))?.keys, [b.key.keyid]);
    repository.signers = { ...repository.signers, targets: [c] };
    await repository.publishRoot();
    repository.roles.set('targets', { signers: [c], ...targets });
    await repository.publish();
    await assert.rejects(lookUp(repository, store), refusesUnsigned('rotate/targets.rotate.1.json'));
    repository.signers = { ...repository.signers, snapshot: [d] };
    repository.extraMeta.clear();
    await repository.publishRoot();
    await repository.publish();
    for (const client of [store, new MemoryMetadataStore()])
      assert.deepEqual((await lookUp(repository, client))?.keys, [c.key.keyid]);
  });

  it('is not for root, timestamp and snapshot', async () => {
    const repository = await repositoryOf(a, [a]);
    for (const role of ['root', 'timestamp', 'snapshot'] as const)
      await rotate(repository, { role, version: 1, to: [d], by: repository.signers[role] });
    assert.ok(await lookUp(repository));
    assert.deepEqual(rotateRequests(repository), []);
  });

  it('costs no request where nothing was rotated, and none again for what is in the store', async () => {
    const repository = await repositoryOf(a, [a]);
    await repository.publish();
    await lookUp(repository);
    const { snapshot } = repository.versions;
    const plain = ['2.root.json', 'timestamp.json', `${snapshot}.snapshot.json`, `${snapshot}.targets.json`];
    assert.deepEqual(repository.requests, [...plain, `${snapshot}.foo.json`]);

    repository.roles.set('foo', { signers: [b], targets: X });
    await rotate(repository, { version: 1, to: [b], by: [a] });
    const store = new MemoryMetadataStore();
    await lookUp(repository, store);
    await lookUp(repository, store);
    assert.deepEqual(repository.requests, ['2.root.json', 'timestamp.json']);
  });

  it('fetches a file again that the snapshot lists without a hash', async () => {
    const repository = await repositoryOf(a, [b]);
    await list(repository, await signed({ version: 1, to: [b], by: [a] }), false);
    await repository.publish();
    const store = new MemoryMetadataStore();
    await lookUp(repository, store);
    await lookUp(repository, store);
    assert.deepEqual(rotateRequests(repository), ['rotate/foo.rotate.1.json']);
  });

  it('works without a network from what is in the store, with hashes and without', async () => {
    for (const withHash of [true, false]) {
      const repository = await repositoryOf(a, [b]);
      await list(repository, await signed({ version: 1, to: [b], by: [a] }), withHash);
      await repository.publish();
      const store = new MemoryMetadataStore();
      await lookUp(repository, store);
      repository.unreachable = true;
      for (const offline of ['fallback', 'only'] as const)
        assert.deepEqual((await lookUp(repository, store, { offline }))?.keys, [b.key.keyid]);
      assert.deepEqual(repository.requests, []);
      await store.remove(rotationName('foo', 1));
      await assert.rejects(lookUp(repository, store, { offline: 'fallback' }), NetworkError);
    }
  });

  it('believes a stored file without a hash only when it may work offline and nobody answers', async () => {
    const repository = await repositoryOf(a, [b]);
    await list(repository, await signed({ version: 1, to: [b], by: [a] }), false);
    await repository.publish();
    const store = new MemoryMetadataStore();
    await lookUp(repository, store);
    const path = rotationPath('foo', 1);
    const blocked: UpdaterOptions['fetcher'] = {
      fetch: (name, options) =>
        name === path ? Promise.reject(new NetworkError(name, 'blocked')) : repository.fetch(name, options),
    };
    await assert.rejects(lookUp(repository, store, { fetcher: blocked }), NetworkError);
    assert.ok(await lookUp(repository, store, { fetcher: blocked, offline: 'fallback' }));
    repository.files.set(path, await signed({ version: 1, to: [b], by: [c] }));
    await assert.rejects(
      lookUp(repository, store, { offline: 'fallback' }),
      refusesUnsigned('rotate/foo.rotate.1.json'),
    );
  });

  it('cannot be left out by whoever drives the workflow', async () => {
    const repository = await repositoryOf(a, [a]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    const { snapshot } = repository.versions;
    const set = await TrustedSet.create(repository.rootBytes, NOW);
    await set.updateTimestamp(repository.file('timestamp.json'));
    await set.updateSnapshot(repository.file(`${snapshot}.snapshot.json`));
    await set.updateRole(repository.file(`${snapshot}.targets.json`), 'targets', 'root');
    const foo = repository.file(`${snapshot}.foo.json`);
    await assert.rejects(set.updateRole(foo, 'foo', 'targets'), /rotations of foo come before/);
    await set.updateRotation(repository.file(rotationPath('foo', 1)), 'foo', 'targets');
    await assert.rejects(set.updateRole(foo, 'foo', 'targets'), refusesUnsigned('foo'));
    await assert.rejects(set.updateRotation(foo, 'foo', 'targets'), /no further rotation/);
  });

  it('takes the file from another mirror when one serves it wrong', async () => {
    const repository = await repositoryOf(a, [b]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    const forged = await signed({ version: 1, to: [c], by: [c] });
    const liar: UpdaterOptions['fetcher'] = {
      fetch: (path, options) =>
        path.startsWith('rotate/') ? Promise.resolve(forged) : repository.fetch(path, options),
    };
    assert.ok(await lookUp(repository, undefined, { fetcher: [liar, repository] }));
  });
});

describe('revocation of a role by itself (TAP 20)', () => {
  const refusesRevoked = (version: number) => (error: unknown) =>
    error instanceof RoleRevokedError && error.role === 'foo' && error.version === version;

  it('ends all belief in the role, whatever comes after', async () => {
    const repository = await repositoryOf(a, [a]);
    await list(repository, await revoked(1, [a]));
    await rotate(repository, { version: 2, to: [a], by: [a] });
    await assert.rejects(lookUp(repository), refusesRevoked(1));
    assert.deepEqual(rotateRequests(repository), ['rotate/foo.rotate.1.json']);
  });

  it('is signed by the keys that the role has then', async () => {
    const repository = await repositoryOf(a, [b]);
    await rotate(repository, { version: 1, to: [b], by: [a] });
    await list(repository, await revoked(2, [a]));
    await repository.publish();
    await assert.rejects(lookUp(repository), refusesUnsigned('rotate/foo.rotate.2.json'));
    await list(repository, await revoked(2, [b]));
    await repository.publish();
    await assert.rejects(lookUp(repository), refusesRevoked(2));
  });

  it('may take the place of a rotation, so that the rightful holder can undo what a thief did; and stays', async () => {
    for (const withHash of [true, false]) {
      const repository = await repositoryOf(a, [d]);
      const stolen = await signed({ version: 1, to: [d], by: [a] });
      await list(repository, stolen, withHash);
      await repository.publish();
      const store = new MemoryMetadataStore();
      assert.ok(await lookUp(repository, store));
      await list(repository, await revoked(1, [a]), withHash);
      await repository.publish();
      await assert.rejects(lookUp(repository, store), refusesRevoked(1));
      await list(repository, stolen, withHash);
      await repository.publish();
      await assert.rejects(lookUp(repository, store), ReplacedRotationError);
    }
  });

  it('is what a rotation to the null key means, also beside other keys', async () => {
    const repository = await repositoryOf(a, [a]);
    const keys = [a.key, NULL_KEY];
    await list(repository, await signMetadata(rotationJson({ role: 'foo', version: 1, threshold: 1, keys }), [a]));
    await repository.publish();
    await assert.rejects(lookUp(repository), refusesRevoked(1));
  });

  it('does not touch other roles with the same key, nor the role under another name', async () => {
    const repository = await repositoryOf(a, [a]);
    await list(repository, await revoked(1, [a]));
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      delegations: delegate({ name: 'foo-2', signer: a }),
    });
    repository.roles.set('foo-2', { signers: [a], targets: X });
    await repository.publish();
    assert.deepEqual((await lookUp(repository))?.chain, ['targets', 'foo-2']);
  });
});

describe('rotate files', () => {
  it('are what TAP 8 says and nothing else', async () => {
    const bytes = await signed({ version: 2, to: [b], by: [a] });
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const { keytype, scheme } = b.key;
    assert.deepEqual(Reflect.get(Object(document), 'signed'), {
      _type: 'rotate',
      version: 2,
      role: 'foo',
      keys: { [b.key.keyid]: { keytype, scheme, keyval: { public: b.key.public } } },
      threshold: 1,
    });
    const rotation = parseRotation(bytes).signed;
    assert.deepEqual([rotation.role, rotation.version, [...rotation.keys.keys()]], ['foo', 2, [b.key.keyid]]);
    assert.equal(isRevocation(rotation), false);
    assert.equal(isRevocation(parseRotation(await revoked(1, [])).signed), true);
  });

  it('are not written when no client would read them', async () => {
    const one = { role: 'foo', version: 1, keys: [a.key], threshold: 1 };
    const twin = { ...(await makePublicKey('ed25519', 'ed25519', '11'.repeat(32))), keyid: a.key.keyid };
    const wrong: [Partial<typeof one>, string][] = [
      [{ version: 0 }, 'signed.version'],
      [{ version: 1.5 }, 'signed.version'],
      [{ role: '' }, 'signed.role'],
      [{ keys: [] }, 'signed.threshold'],
      [{ keys: [a.key, twin] }, 'signed.keys'],
      [{ threshold: 0 }, 'signed.threshold'],
      [{ threshold: 0.5 }, 'signed.threshold'],
      [{ threshold: 2 }, 'signed.threshold'],
    ];
    for (const [change, where] of wrong)
      assert.throws(
        () => rotationJson({ ...one, ...change }),
        (error) => error instanceof FormatError && error.where === where && error.problem !== '',
        where,
      );
  });

  it('are not read when they cannot mean anything', async () => {
    const good = {
      _type: 'rotate',
      version: 1,
      role: 'foo',
      threshold: 1,
      keys: { k: Object.fromEntries(a.key.json) },
    };
    const keyval = { public: a.key.public };
    const read = (change: Record<string, unknown>) => {
      const document = { signed: { ...good, keys: { k: { ...good.keys.k, keyval } }, ...change }, signatures: [] };
      return parseRotation(new TextEncoder().encode(JSON.stringify(document)));
    };
    assert.equal(read({ further: 'members are fine' }).signed.version, 1);
    const wrong: [Record<string, unknown>, string][] = [
      [{ _type: 'root' }, 'signed._type'],
      [{ version: 0 }, 'signed.version'],
      [{ role: 7 }, 'signed.role'],
      [{ keys: [] }, 'signed.keys'],
      [{ keys: { k: 1 } }, 'signed.keys["k"]'],
      [{ keys: {} }, 'signed.threshold'],
      [{ threshold: 2 }, 'signed.threshold'],
      [{ threshold: 0 }, 'signed.threshold'],
    ];
    for (const [change, where] of wrong)
      assert.throws(
        () => read(change),
        (error) => error instanceof FormatError && error.where === where && error.problem !== '',
        where,
      );
  });
});
