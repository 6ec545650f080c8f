import { readFile } from 'node:fs/promises';
import { NotFoundError } from '../errors.ts';
import { Updater } from '../client/updater.ts';
import type { Command } from './arguments.ts';
import { httpOnce, RepositoryFetcher } from './repository-fetcher.ts';
import { downloadTarget } from './target-file.ts';
import { PlainStore } from './plain-store.ts';
import { initTrust, trustedRoot } from './trust.ts';

/** A target may be large; what stops one that does not get on is the minimum rate. */
const TARGET_MS = 24 * 60 * 60 * 1000;

/** @throws TufError, UsageError and what the file system throws; then the rest is not done */
export async function run(command: Command): Promise<void> {
  const store = new PlainStore(command.metadataDir);
  if (command.name === 'init') return initTrust(store, await readFile(command.rootFile));
  const updater = new Updater({
    trustedRoot: await trustedRoot(store),
    fetcher: new RepositoryFetcher(command.metadataUrl),
    store,
    clock: () => new Date(),
    // The tests of the protocol move the clock to and fro.
    guardClock: false,
  });
  await updater.refresh();
  if (command.name === 'refresh') return;
  const targets = httpOnce(command.targetBaseUrl, { totalMs: TARGET_MS });
  for (const name of command.targetNames) {
    const info = await updater.targetInfo(name);
    // §5.7.2
    if (info === undefined) throw new NotFoundError(name);
    await downloadTarget(targets, info, command.targetDir);
  }
}
