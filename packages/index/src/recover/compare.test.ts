import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compareProject,
  isAsBefore,
  isUnchanged,
  projectAfter,
  reportProject,
  type SaidFile,
  type SaidProject,
} from './compare.ts';

const file = (sha256: string, yanked: string | null = null): SaidFile => ({ sha256, yanked });
const project = (files: Record<string, SaidFile>, standing: SaidProject['standing'] = 'unclaimed'): SaidProject => {
  return { standing, files: new Map(Object.entries(files)) };
};
const NONE = new Map<string, string>();

test('an unclaimed project becomes what it was: additions go, changes, deletions and yanks are undone (M12)', () => {
  const then = project({
    same: file('aa'),
    other: file('bb'),
    gone: file('cc'),
    pulled: file('dd'),
    back: file('ee', ''),
  });
  const now = project({
    same: file('aa'),
    other: file('66'),
    pulled: file('dd', ''),
    back: file('ee'),
    new: file('ff'),
  });
  const after = projectAfter(then, now, undefined, NONE);
  const { files, ...standings } = reportProject('demo', then, now, after);
  assert.deepEqual(standings, { project: 'demo', before: 'unclaimed', now: 'unclaimed', after: 'unclaimed' });
  assert.deepEqual(
    files.map(({ filename, changed, outcome }) => `${filename} ${changed} ${outcome}`),
    [
      'back unyanked restored',
      'gone deleted restored',
      'new added discarded',
      'other changed restored',
      'pulled yanked restored',
      'same unchanged kept',
    ],
  );
  assert.deepEqual(files[3], {
    filename: 'other',
    changed: 'changed',
    outcome: 'restored',
    before: 'bb',
    now: '66',
    forgeable: true,
    after: 'bb',
  });
});

test('what operators checked stays, by name and hash; nothing else of a project that is new does (M12)', () => {
  const now = project({ a: file('aa'), b: file('bb') }, 'recently-claimed');
  const kept = projectAfter(
    undefined,
    now,
    undefined,
    new Map([
      ['a', 'aa'],
      ['b', '00'],
    ]),
  );
  assert.deepEqual(kept, project({ a: file('aa') }));
  assert.equal(projectAfter(undefined, now, undefined, NONE), undefined);
  assert.equal(reportProject('demo', undefined, now, undefined).after, 'none');
});

test('a name that was taken keeps its hash, whatever the list says (M12)', () => {
  const [then, now] = [project({ a: file('aa') }), project({ a: file('66') })];
  assert.deepEqual(projectAfter(then, now, undefined, new Map([['a', '66']])), then);
});

test('what developers or offline keys signed counts, whatever the index says and said (M12)', () => {
  const signed = { standing: 'claimed' as const, files: new Map([['new', file('cc')]]) };
  const [then, now] = [project({ old: file('aa') }, 'claimed'), project({ old: file('66') })];
  const after = projectAfter(then, now, signed, NONE);
  const report = reportProject('demo', then, now, after);
  assert.equal(report.after, 'claimed');
  assert.deepEqual(
    report.files.map(({ filename, changed, outcome }) => `${filename} ${changed} ${outcome}`),
    ['new unseen restored', 'old changed discarded'],
  );
});

test('a project to which nothing happened is as before; a standing alone is a change', () => {
  const plain = project({ a: file('aa') });
  assert.equal(isAsBefore(reportProject('demo', plain, plain, plain)), true);
  const taken = { ...plain, standing: 'recently-claimed' as const };
  assert.equal(isAsBefore(reportProject('demo', plain, taken, plain)), false);
});

test('what developers or holders of offline keys signed, then and now, no thief of the index did (M12)', () => {
  for (const standing of ['claimed', 'rarely-updated'] as const) {
    const kept = compareProject('demo', project({ a: file('aa') }, standing), project({ a: file('66') }, standing));
    assert.deepEqual(
      kept.files.map(({ changed, forgeable }) => [changed, forgeable]),
      [['changed', false]],
    );
    const moved = compareProject(
      'demo',
      project({ a: file('aa') }),
      project({ a: file('aa'), b: file('bb') }, standing),
    );
    assert.deepEqual(
      moved.files.map(({ filename, forgeable }) => [filename, forgeable]),
      [
        ['a', true],
        ['b', false],
      ],
    );
    assert.equal(isUnchanged(moved), false);
    assert.equal(isUnchanged(compareProject('demo', project({}), project({}, standing))), false, 'a standing counts');
  }
  const added = compareProject('demo', undefined, project({ a: { ...file('aa'), account: 'ann', uploadedAt: 7 } }));
  assert.deepEqual(added, {
    project: 'demo',
    before: 'none',
    now: 'unclaimed',
    files: [{ filename: 'a', changed: 'added', now: 'aa', account: 'ann', uploadedAt: 7, forgeable: true }],
  });
});
