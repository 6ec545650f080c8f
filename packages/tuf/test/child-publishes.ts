import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Draft, type PublicKey, Repository, type RepositoryStorage } from '@holdfast/tuf';
import { DirectoryStorage, readKeyFile } from '@holdfast/tuf/node';
import { emptyFile } from './repository.ts';

/**
 * `node child-publishes.ts DIRECTORY KEYS rotate FATAL`: publishes a new root, timestamp key, delegation and file, and
 * kills itself before its FATALth write, counted from 0.
 * `node child-publishes.ts DIRECTORY KEYS NAME COUNT`: adds the targets NAME/0, NAME/1, … in one publication each.
 */
const [directory = '', keyDirectory = '', what = '', count = ''] = process.argv.slice(2);
const key = (name: string) => readKeyFile(join(keyDirectory, name), undefined);
const [all, fresh] = await Promise.all([key('all'), key('fresh')]);
const set = (publicKey: PublicKey) => ({ keys: [publicKey], threshold: 1 });

/** Dies without a word between two writes. */
class MortalStorage extends DirectoryStorage implements RepositoryStorage {
  private left = Number(count);

  override create(path: string, bytes: Uint8Array) {
    return this.mortal(() => super.create(path, bytes));
  }

  override replace(path: string, bytes: Uint8Array) {
    return this.mortal(() => super.replace(path, bytes));
  }

  override remove(path: string) {
    return this.mortal(() => super.remove(path));
  }

  private async mortal<T>(step: () => Promise<T>): Promise<T> {
    if (this.left-- === 0) process.kill(process.pid, 'SIGKILL');
    return step();
  }
}

async function rotate(draft: Draft): Promise<void> {
  draft.root.setKeys('timestamp', set(fresh.key));
  draft.targets.delegate({ name: 'role', ...set(all.key), paths: ['r/*'] });
  await (await draft.targets.role('role')).addFile('r/new', new TextEncoder().encode('new'));
}

const storage = what === 'rotate' ? new MortalStorage(directory) : new DirectoryStorage(directory);
const trustedRoot = await readFile(join(directory, 'metadata', '1.root.json'));
const repository = await Repository.open({ storage, clock: () => new Date(), signers: [all, fresh], trustedRoot });
if (what === 'rotate') {
  await repository.update(rotate);
} else {
  for (let number = 0; number < Number(count); number++)
    await repository.update((draft) => draft.targets.addTarget(`${what}/${number}`, emptyFile(number)));
}
process.stdout.write('done\n');
