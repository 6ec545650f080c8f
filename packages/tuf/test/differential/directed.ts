import type { CaseRequest } from '../peers/protocol.ts';
import { aliasOf } from './build.ts';
import { oddCase, request, simpleDraft, stepOf } from './cases.ts';
import { Draft, type FileKind, keyAt, keyTable, roleDraft, sha256, targetEntry } from './draft.ts';
import { type TestKey, UNCOMMON_KEYS } from './keys.ts';
import { applyMove } from './moves.ts';
import { ODDITIES } from './oddities.ts';
import type { Move } from './plan.ts';
import { type Raw, raw, rawObject } from './raw-json.ts';

/** Every oddity in every kind of file that it is for, and what is known to have divided clients before. */
export function directedCases(): ReadonlyMap<string, CaseRequest> {
  const odd = ODDITIES.flatMap((oddity) =>
    oddity.kinds.map((kind: FileKind): [string, CaseRequest] => [`${oddity.name} in ${kind}`, oddCase(oddity, kind)]),
  );
  return new Map([...odd, ...patternCases(), ...keyCases(), ...graphCases(), ...historyCases()]);
}

interface Delegation {
  readonly name: string;
  readonly keys?: readonly TestKey[];
  readonly threshold?: number;
  readonly paths?: readonly string[];
  readonly prefixes?: readonly string[];
}

const KEY = keyAt(4);

function delegations(list: readonly Delegation[]): Raw {
  const roles = list.map(({ name, keys = [KEY], threshold = 1, paths = ['*'], prefixes }) => ({
    name,
    keyids: keys.map(({ keyid }) => keyid),
    threshold,
    terminating: false,
    ...(prefixes === undefined ? { paths } : { path_hash_prefixes: prefixes }),
  }));
  return raw({ keys: keyTable(list.flatMap(({ keys = [KEY] }) => keys)), roles });
}

/** `targets` delegates as listed; every delegated role lists all paths, each with a length of its own. */
function delegating(
  list: readonly Delegation[],
  lookups: readonly string[],
  signers: readonly TestKey[] = [KEY],
): CaseRequest {
  const draft = simpleDraft();
  draft.delegated.clear();
  draft.top.targets.body = rawObject({ targets: {}, delegations: delegations(list) });
  list.forEach(({ name }, index) => {
    const targets = new Map(lookups.map((path, at) => [path, targetEntry(index * 100 + at + 1)]));
    draft.delegated.set(name, roleDraft(rawObject({ targets }), signers));
  });
  return published(draft, lookups);
}

function published(draft: Draft, lookups: readonly string[]): CaseRequest {
  draft.publish();
  return request(draft.files.get('1.root.json'), [stepOf(draft, lookups)]);
}

function patternCases(): [string, CaseRequest][] {
  const paths = 'a ab .hidden a/b a/.x !foo #x {a,b} \u{1f600} +(a|b) [a] \\a ^ a/ ** c'.split(' ');
  const patterns = '* */* ** ? a .* !foo #x {a,b} +(a|b) [ab] [!a] [^a] [a-c] [ []] \\a \\* a/ [\\a] *b ?/? [a'
    .split(' ')
    .concat('');
  const hash = sha256(Buffer.from('a'));
  return [
    ...patterns.map((pattern): [string, CaseRequest] => [
      `pattern ${pattern}`,
      delegating([{ name: 'r', paths: [pattern] }], paths),
    ]),
    ...[
      ['of hex', hash.slice(0, 3)],
      ['of all digits', hash],
      ['of nothing', ''],
      ['in upper case', hash.slice(0, 3).toUpperCase()],
    ].map(([name, prefix = '']): [string, CaseRequest] => [
      `path_hash_prefixes ${name}`,
      delegating([{ name: 'r', prefixes: [prefix] }], ['a', 'ab', 'c']),
    ]),
  ];
}

function keyCases(): [string, CaseRequest][] {
  const [first, second] = [KEY, keyAt(6)];
  const twice = [first, aliasOf(first)];
  return [
    ...[...UNCOMMON_KEYS].map(([name, key]): [string, CaseRequest] => [
      `key ${name}`,
      delegating([{ name: 'r', keys: [key] }], ['a'], [key]),
    ]),
    ['one key under two keyids, both signed', delegating([{ name: 'r', keys: twice, threshold: 2 }], ['a'], twice)],
    ['two keys, both signed', delegating([{ name: 'r', keys: [first, second], threshold: 2 }], ['a'], [first, second])],
    ['two keys, one signed', delegating([{ name: 'r', keys: [first, second], threshold: 2 }], ['a'], [first])],
  ];
}

function graphCases(): [string, CaseRequest][] {
  const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
  return [
    [
      'role names like integers',
      delegating(
        ['b', '10', 'a', '9'].map((name) => ({ name })),
        ['x'],
      ),
    ],
    [
      'role names of hex digits',
      delegating(
        ['00', '01', 'ff'].map((name) => ({ name })),
        ['x'],
      ),
    ],
    ['names of builtin members looked up', delegating([{ name: 'r', paths: ['none'] }], names)],
    ...names.map((name): [string, CaseRequest] => [
      `names of builtin members as role ${name}`,
      delegating([{ name }], ['x']),
    ]),
    ...[
      'with space',
      'a/b',
      '../up',
      'ü',
      '\u{1f600}',
      '%2e',
      'x?y#z',
      "it's(1)*!",
      'a&b=c@d:e$f,g;h+i',
      '.',
      'a\\b',
    ].map((name): [string, CaseRequest] => [`role name ${name}`, delegating([{ name }], ['x'])]),
    ...[31, 32, 33].map((depth): [string, CaseRequest] => [`chain of ${depth} delegations`, chain(depth)]),
    ['role verified for one parent, not for the other', twoParents()],
  ];
}

/** Only the last role lists the target. */
function chain(depth: number): CaseRequest {
  const draft = simpleDraft();
  draft.delegated.clear();
  const body = (index: number): Raw =>
    index === depth
      ? raw({ targets: { x: targetEntry(1) } })
      : raw({ targets: {}, delegations: delegations([{ name: `r${index + 1}` }]) });
  draft.top.targets.body = rawObject(body(0) as object);
  for (let index = 1; index <= depth; index++)
    draft.delegated.set(`r${index}`, roleDraft(rawObject(body(index) as object), [KEY]));
  return published(draft, ['x']);
}

/** `shared` is signed for `a`; `b` lists another key for it. A search that went through `a` must not vouch for `b`. */
function twoParents(): CaseRequest {
  const draft = simpleDraft();
  draft.delegated.clear();
  const parent = (name: string, key: TestKey): void => {
    const body = { targets: {}, delegations: delegations([{ name: 'shared', keys: [key], paths: ['*'] }]) };
    draft.delegated.set(name, roleDraft(rawObject(body), [KEY]));
  };
  draft.top.targets.body = rawObject({
    targets: {},
    delegations: delegations([
      { name: 'a', paths: ['x'] },
      { name: 'b', paths: ['y'] },
    ]),
  });
  parent('a', KEY);
  parent('b', keyAt(6));
  draft.delegated.set('shared', roleDraft(rawObject({ targets: { x: targetEntry(1), y: targetEntry(2) } }), [KEY]));
  return published(draft, ['x', 'y']);
}

function historyCases(): [string, CaseRequest][] {
  return [
    ['fast-forward undone with a further key', history('add a timestamp key and go back')],
    [
      'fast-forward of targets undone with another timestamp key',
      history('wrong version of targets', 'rotate timestamp'),
    ],
    ['root of the version before under the next name', history('root says the version before')],
    ['256 new roots, another timestamp key in the last', manyRoots(256)],
    ['257 new roots, another timestamp key in the last', manyRoots(257)],
    ['no consistent_snapshot in any root', withoutConsistentSnapshot()],
    ['two snapshots of one version, the newer one with its hash in timestamp', twoSnapshots()],
  ];
}

/** What becomes of a simple repository and its clients after each of the moves. */
export function history(...moves: readonly Move[]): CaseRequest {
  const draft = simpleDraft();
  draft.publish();
  const steps = [stepOf(draft, ['a', 'd/x'])];
  for (const move of moves) {
    applyMove(draft, move);
    steps.push(stepOf(draft, ['a', 'd/x']));
  }
  return request(draft.files.get('1.root.json'), steps);
}

function twoSnapshots(): CaseRequest {
  const draft = simpleDraft();
  draft.metaHashes = true;
  draft.publish();
  const steps = [stepOf(draft, ['a'])];
  draft.top.timestamp.version++;
  draft.top.targets.version++;
  draft.top.targets.body = new Map([['targets', raw({ a: targetEntry(7) })]]);
  draft.publish();
  return request(draft.files.get('1.root.json'), [...steps, stepOf(draft, ['a'])]);
}

function withoutConsistentSnapshot(): CaseRequest {
  const draft = new Draft({ root: [keyAt(0)], timestamp: [keyAt(2)], snapshot: [keyAt(1)], targets: [keyAt(3)] });
  draft.consistentSnapshot = undefined;
  draft.top.targets.body = new Map([['targets', raw({ a: targetEntry(1) })]]);
  draft.publishRoot();
  return published(draft, ['a']);
}

/** §5.3.3: who stops before the last root does not know the key of the timestamp. */
function manyRoots(count: number): CaseRequest {
  const draft = simpleDraft();
  for (let index = 1; index < count; index++) draft.publishRoot();
  draft.top.timestamp.signers = [keyAt(7)];
  draft.publishRoot();
  return published(draft, ['a']);
}
