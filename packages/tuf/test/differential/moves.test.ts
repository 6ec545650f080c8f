import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { history } from './directed.ts';
import { runOurs } from './ours.ts';
import { MOVES, type Move } from './plan.ts';

/** What a client that was up to date says after the move; whatever is not here is followed. */
const REFUSED: ReadonlyMap<Move, string> = new Map<Move, string>([
  ['expire root', 'EXPIRED: root'],
  ['expire timestamp', 'EXPIRED: timestamp'],
  ['expire snapshot', 'EXPIRED: snapshot'],
  ['expire targets', 'EXPIRED: targets'],
  ['timestamp goes back', 'ROLLBACK: timestamp'],
  ['snapshot goes back', 'ROLLBACK: snapshot'],
  ['targets go back', 'ROLLBACK: targets'],
  ['a delegated role goes back', 'ROLLBACK: team'],
  ['snapshot forgets a role', 'ROLLBACK: team'],
  ['wrong hash of snapshot', 'HASH: snapshot'],
  ['wrong hash of targets', 'HASH: targets'],
  ['wrong length of targets', 'LENGTH: targets'],
  ['wrong version of snapshot', 'NOT_FOUND: the repository does not have 7.snapshot.json'],
  ['wrong version of targets', 'NOT_FOUND: the repository does not have 7.targets.json'],
  ['unsigned timestamp', 'UNSIGNED: timestamp'],
  ['unsigned snapshot', 'UNSIGNED: snapshot'],
  ['unsigned targets', 'UNSIGNED: targets'],
  ['missing timestamp', 'NOT_FOUND: the repository does not have timestamp.json'],
  ['missing snapshot', 'NOT_FOUND: the repository does not have 6.snapshot.json'],
  ['missing targets', 'NOT_FOUND: the repository does not have 6.targets.json'],
  ['root says another version', 'MISMATCH: root'],
  ['root says the version before', 'ROLLBACK: root'],
  ['root signed by new keys only', 'UNSIGNED: root'],
  ['root signed by old keys only', 'UNSIGNED: root'],
]);
const ROLE_REFUSED: ReadonlyMap<Move, string> = new Map<Move, string>([
  ['expire a delegated role', 'EXPIRED: team'],
  ['unsigned delegated role', 'UNSIGNED: team'],
]);

/** Four clients that all refuse for another reason than was meant would agree, and show nothing. */
describe('each move of a generated history does what its name says', () => {
  for (const move of MOVES) {
    const [refresh = '', role = ''] = [REFUSED.get(move), ROLE_REFUSED.get(move)];
    it(`${move}: ${refresh || role || 'followed'}`, async () => {
      const { steps } = await runOurs(history(move));
      assert.equal(steps[0]?.refused, undefined);
      assert.ok(startsWith(steps[1]?.refused, refresh), steps[1]?.refused);
      if (refresh === '') assert.ok(startsWith(steps[1]?.lookups[1]?.refused, role), steps[1]?.lookups[1]?.refused);
    });
  }
});

function startsWith(text: string | undefined, start: string): boolean {
  return start === '' ? text === undefined : text?.startsWith(start) === true;
}
