import { type Draft, type Faults, keyAt, PAST, targetEntry, type TopLevel } from './draft.ts';
import type { TestKey } from './keys.ts';
import type { Move } from './plan.ts';
import { raw, type RawObject } from './raw-json.ts';

/** Changes a repository as its owner, or as somebody with some of its keys or its server, might. */
export function applyMove(draft: Draft, move: Move): void {
  if (move === 'nothing') return;
  if (move.includes('root') || move.startsWith('rotate') || move.startsWith('add a timestamp key'))
    return applyRootMove(draft, move);
  bump(draft);
  const roles = [draft.top.timestamp, draft.top.snapshot, draft.top.targets, ...draft.delegated.values()];
  const highest = roles.map(({ version }) => version);
  const faults = FAULTS.get(move)?.(draft);
  if (faults === undefined) CHANGES.get(move)?.(draft);
  draft.publish(faults);
  // No version is ever used for two contents: what clients then do depends on their caches alone.
  roles.forEach((role, index) => {
    role.version = Math.max(role.version, highest[index] ?? 0);
  });
}

/** A key that no generated plan uses for the role. */
const FRESH = 7;

function bump(draft: Draft): void {
  draft.top.timestamp.version++;
  draft.top.snapshot.version++;
}

function aDelegatedRole(draft: Draft): string {
  return [...draft.delegated.keys()][0] ?? 'targets';
}

const FAULTS: ReadonlyMap<Move, (draft: Draft) => Faults> = new Map<Move, (draft: Draft) => Faults>([
  ['wrong hash of snapshot', () => ({ wrongHash: 'snapshot' })],
  ['wrong hash of targets', (draft) => ({ wrongHash: changed(draft) })],
  ['wrong length of targets', (draft) => ({ wrongLength: changed(draft) })],
  ['wrong version of snapshot', () => ({ wrongMetaVersion: 'snapshot' })],
  ['wrong version of targets', (draft) => ({ wrongMetaVersion: changed(draft) })],
  ['unsigned timestamp', () => ({ unsigned: 'timestamp' })],
  ['unsigned snapshot', () => ({ unsigned: 'snapshot' })],
  ['unsigned targets', (draft) => ({ unsigned: changed(draft) })],
  ['unsigned delegated role', (draft) => ({ unsigned: changed(draft, aDelegatedRole(draft)) })],
  ['missing timestamp', () => ({ missing: 'timestamp' })],
  ['missing snapshot', () => ({ missing: 'snapshot' })],
  ['missing targets', (draft) => ({ missing: changed(draft) })],
  ['snapshot forgets a role', (draft) => ({ unlisted: aDelegatedRole(draft) })],
]);

const CHANGES: ReadonlyMap<Move, (draft: Draft) => void> = new Map<Move, (draft: Draft) => void>([
  ['new targets', (draft) => changed(draft)],
  ['expire timestamp', ({ top }) => (top.timestamp.expires = PAST)],
  ['expire snapshot', ({ top }) => (top.snapshot.expires = PAST)],
  ['expire targets', (draft) => expire(draft, 'targets')],
  ['expire a delegated role', (draft) => expire(draft, aDelegatedRole(draft))],
  ['timestamp goes back', ({ top }) => (top.timestamp.version -= 2)],
  ['snapshot goes back', ({ top }) => (top.snapshot.version -= 2)],
  ['targets go back', (draft) => back(draft, 'targets')],
  ['a delegated role goes back', (draft) => back(draft, aDelegatedRole(draft))],
  ['same timestamp version, other snapshot', ({ top }) => top.timestamp.version--],
]);

function roleOf(draft: Draft, name: string): { version: number; expires: string; body: RawObject } {
  return draft.delegated.get(name) ?? draft.top.targets;
}

function changed(draft: Draft, name = 'targets'): string {
  const role = roleOf(draft, name);
  role.version++;
  const targets = role.body.get('targets');
  const next = new Map(targets instanceof Map ? targets : []);
  next.set('absent', targetEntry(9000 + role.version));
  role.body = new Map(role.body).set('targets', raw(next));
  return name;
}

function expire(draft: Draft, name: string): void {
  changed(draft, name);
  roleOf(draft, name).expires = PAST;
}

function back(draft: Draft, name: string): void {
  changed(draft, name);
  roleOf(draft, name).version -= 2;
}

function applyRootMove(draft: Draft, move: Move): void {
  const { root, timestamp } = draft.top;
  const before = root.signers;
  if (move.startsWith('rotate')) rotate(draft, move);
  else if (move === 'add a timestamp key and go back') timestamp.signers = [...timestamp.signers, keyAt(FRESH)];
  else if (move === 'expire root') root.expires = PAST;
  else if (move === 'switch consistent snapshot') draft.consistentSnapshot = draft.consistentSnapshot !== true;
  else root.signers = [keyAt(FRESH)];
  if (move === 'root skips a version') root.version++;
  const difference = move === 'root says another version' ? 1 : move === 'root says the version before' ? -1 : 0;
  publishRootSaying(draft, difference, rootSigners(move, before, root.signers));
  if (move.endsWith('go back')) {
    timestamp.version = 1;
    draft.top.snapshot.version = 1;
  } else {
    bump(draft);
  }
  draft.publish();
}

function rotate(draft: Draft, move: Move): void {
  const role = move.split(' ')[1] as TopLevel;
  draft.thresholds[role] = 1;
  draft.top[role].signers = [keyAt(FRESH)];
  if (role === 'targets') draft.top.targets.version++;
}

function rootSigners<T>(move: Move, before: readonly T[], now: readonly T[]): readonly T[] | undefined {
  if (move === 'root signed by new keys only') return now;
  return move === 'root signed by old keys only' ? before : undefined;
}

/** The next root, which may say that it is of another version than its name. */
function publishRootSaying(draft: Draft, difference: number, signers: readonly TestKey[] | undefined): void {
  const { root } = draft.top;
  const next = root.version + 1;
  const said = `${next + difference}.root.json`;
  const kept = draft.files.get(said);
  root.version += difference;
  draft.publishRoot(signers);
  root.version = next;
  const written = draft.files.get(said);
  draft.files.delete(said);
  if (kept !== undefined) draft.files.set(said, kept);
  if (written !== undefined) draft.files.set(`${next}.root.json`, written);
}
