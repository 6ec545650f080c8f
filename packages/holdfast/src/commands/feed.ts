import type { FollowedFeed } from '@holdfast/installer';
import { duration, readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { untilStopped } from '../signals.ts';
import { note, paint, printAll } from '../terminal.ts';
import { openClient, tell as tellNotice, tellOnce } from './clients.ts';

/** Seconds. */
const EVERY = 10;

export const feed: Command = {
  name: 'feed',
  usage: '[--index NAME] [--json] [--follow [--every TIME]]',
  summary: 'which signed roles of an index changed since you last asked?',
  details: [
    '  --json         one object a line for each role, with version, length and hash before and after, and the timestamp',
    '  --follow       go on, and tell of changes as they come, until you stop it',
    '  --every TIME   how often to ask, such as 1m (10s)',
    'Follows the change feed to the newest verified timestamp and keeps a list of all roles, so that the next time shows what is new.',
    'An index that does not answer is waited for; one whose feed or signatures are wrong ends this with exit code 1.',
  ].join('\n'),
  async run(args) {
    const { options } = readArguments(
      args,
      {
        index: { type: 'string' },
        json: { type: 'boolean' },
        follow: { type: 'boolean' },
        every: { type: 'string' },
      },
      [],
    );
    const follow = options.get('follow') === true;
    const everyMs = duration(options, 'every', EVERY) * 1000;
    if (!follow && text(options, 'every') !== undefined) throw new UsageError('--every goes with --follow');
    const client = await openClient(text(options, 'index'), follow ? tellOnce() : tellNotice);
    const tell = (followed: FollowedFeed): Promise<void> =>
      printAll(options.get('json') === true ? lines(followed) : words(followed, follow));
    try {
      if (follow) {
        const { followOn } = await import('./follow-feed.ts');
        const stop = new AbortController();
        void untilStopped().then(() => stop.abort());
        await followOn({ client, everyMs, tell, stop: stop.signal });
        return 0;
      }
      const kept = await client.openFeed();
      await tell(await kept.next());
      await kept.keep();
      return 0;
    } catch (error) {
      if (isGone(error)) return 0;
      throw error;
    } finally {
      client.close();
    }
  },
};

/** Whoever read this has read enough, as `head` does; what it did not take is told again the next time. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

function lines({ after, changes }: FollowedFeed): string[] {
  return changes.map((change) => JSON.stringify({ ...change, timestamp: after.version }));
}

/** @param again whether it is asked again and again, so that nothing new is no news */
function words({ before, after, roles, changes }: FollowedFeed, again: boolean): string[] {
  if (before === undefined) {
    note(again ? 'From now on, what changes comes here.' : 'From now on, this command shows what changed since.');
    return [`${roles} roles at version ${after.version}, root ${after.root}`];
  }
  if (again && changes.length === 0) return [];
  const told = [...changes]
    .sort((a, b) => (a.role < b.role ? -1 : 1))
    .map((change) => {
      if (!change.before) return `${paint('green', '+')} ${change.role} ${change.after?.version}`;
      if (!change.after) return `${paint('red', '-')} ${change.role} ${change.before.version}`;
      return `  ${change.role} ${change.before.version} → ${change.after.version}`;
    });
  return [
    ...told,
    `${changes.length} roles changed from version ${before.version} to ${after.version}, root ${after.root}`,
  ];
}
