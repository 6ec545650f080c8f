import type { FollowedFeed } from '@holdfast/installer';
import { readArguments, text } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, paint, print } from '../terminal.ts';
import { openClient } from './clients.ts';

export const feed: Command = {
  name: 'feed',
  usage: '[--index NAME] [--json]',
  summary: 'which signed roles of an index changed since you last asked?',
  details: [
    '  --json   one object a line for each role, with version, length and hash before and after',
    'Follows the change feed to the newest verified timestamp and keeps a list of all roles, so that the next time shows what is new.',
  ].join('\n'),
  async run(args) {
    const { options } = readArguments(args, { index: { type: 'string' }, json: { type: 'boolean' } }, []);
    const client = await openClient(text(options, 'index'));
    try {
      const followed = await client.followFeed();
      if (options.get('json') === true) for (const change of followed.changes) print(JSON.stringify(change));
      else show(followed);
      return 0;
    } finally {
      client.close();
    }
  },
};

function show({ before, after, roles, changes }: FollowedFeed): void {
  if (before === undefined) {
    print(`${roles} roles at version ${after.version}, root ${after.root}`);
    note('From now on, this command shows what changed since.');
    return;
  }
  for (const change of [...changes].sort((a, b) => (a.role < b.role ? -1 : 1))) {
    if (!change.before) print(`${paint('green', '+')} ${change.role} ${change.after?.version}`);
    else if (!change.after) print(`${paint('red', '-')} ${change.role} ${change.before.version}`);
    else print(`  ${change.role} ${change.before.version} → ${change.after.version}`);
  }
  print(`${changes.length} roles changed from version ${before.version} to ${after.version}, root ${after.root}`);
}
