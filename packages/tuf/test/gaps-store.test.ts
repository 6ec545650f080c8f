import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryMetadataStore, type MetadataStore } from '@holdfast/tuf';
import { emptyFile, key, TestRepository } from './repository.ts';
import { updaterOf } from './updater.ts';

/** As if the power went out after a number of changes; what was changed before is there. */
class FailingStore implements MetadataStore {
  readonly inner: MemoryMetadataStore;
  private left: number;

  constructor(inner: MemoryMetadataStore, changes: number) {
    this.inner = inner;
    this.left = changes;
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.inner.read(name);
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.change();
    await this.inner.write(name, bytes);
  }

  async remove(name: string): Promise<void> {
    this.change();
    await this.inner.remove(name);
  }

  lock<T>(fn: () => Promise<T>): Promise<T> {
    return this.inner.lock(fn);
  }

  private change(): void {
    if (this.left-- <= 0) throw new Error('the power went out');
  }
}

async function movedOn(): Promise<{ repository: TestRepository; store: MemoryMetadataStore }> {
  const repository = await TestRepository.create();
  const store = new MemoryMetadataStore();
  repository.versions = { ...repository.versions, timestamp: 1_000_000, snapshot: 1_000_000 };
  await repository.publish();
  await updaterOf(repository, { store }).refresh();
  repository.signers = { ...repository.signers, timestamp: [await key()], snapshot: [await key()] };
  await repository.publishRoot();
  await repository.publishRoot();
  repository.versions = { ...repository.versions, timestamp: 1, snapshot: 1 };
  repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['x', emptyFile()]]) });
  await repository.publish();
  return { repository, store };
}

describe('what the public client test suite leaves out: crashes', () => {
  it('recovers from a crash between any two writes, also while it forgets a fast-forward attack (§5, §5.3.11)', async () => {
    let crashes = 0;
    for (let changes = 0; ; changes++) {
      const { repository, store } = await movedOn();
      const crashed = await updaterOf(repository, { store: new FailingStore(store, changes) })
        .refresh()
        .then(
          () => false,
          (error: unknown) => error instanceof Error && error.message === 'the power went out',
        );
      if (crashed) crashes++;
      const updater = updaterOf(repository, { store });
      assert.equal((await updater.refresh()).timestampVersion, 2, `after ${changes} changes`);
      assert.notEqual(await updater.targetInfo('x'), undefined);
      assert.deepEqual(await store.read('root.json'), repository.file('3.root.json'));
      if (!crashed) break;
    }
    assert.ok(crashes >= 7);
  });
});
