import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFiles, type FileDifference, type FileState } from '../src/index.ts';

function file(filename: string, changes: Partial<FileState> = {}): FileState {
  const [project = ''] = filename.split('-');
  const uploadTime = new Date('2026-01-01T00:00:00Z');
  return {
    filename,
    project,
    sha256: 'a'.repeat(64),
    yanked: undefined,
    uploadTime,
    account: 'ann',
    standing: 'unclaimed',
    ...changes,
  };
}

async function* each(...states: readonly FileState[]): AsyncGenerator<FileState> {
  yield* states;
}

async function compared(before: readonly FileState[], now: readonly FileState[]): Promise<FileDifference[]> {
  const found: FileDifference[] = [];
  for await (const difference of compareFiles(each(...before), each(...now))) found.push(difference);
  return found;
}

test('every file that is not as it was is told, with what became of it (P18, M12)', async () => {
  const before = [file('a-1'), file('b-1'), file('c-1'), file('d-1', { yanked: '' }), file('e-1'), file('f-1')];
  const now = [
    file('a-1'),
    file('b-1', { sha256: 'b'.repeat(64) }),
    file('c-1', { yanked: 'broken' }),
    file('d-1'),
    file('e-1', { standing: 'recently-claimed' }),
    file('g-1'),
  ];
  const found = await compared(before, now);
  assert.deepEqual(
    found.map(({ fate, before: was, now: is }) => [fate, was?.filename, is?.filename]),
    [
      ['changed', 'b-1', 'b-1'],
      ['yanked', 'c-1', 'c-1'],
      ['unyanked', 'd-1', 'd-1'],
      ['moved', 'e-1', 'e-1'],
      ['removed', 'f-1', undefined],
      ['added', undefined, 'g-1'],
    ],
  );
  assert.ok(found.every(({ forgeable }) => forgeable));
  assert.deepEqual(await compared(now, now), []);
  assert.equal((await compared([], now)).length, now.length);
  assert.equal((await compared(before, [])).length, before.length);
});

test('what developers or offline keys signed, then and now, no thief of the index did (M12)', async () => {
  for (const standing of ['claimed', 'rarely-updated'] as const) {
    const [kept] = await compared([file('a-1', { standing })], [file('a-1', { standing, sha256: 'c'.repeat(64) })]);
    assert.equal(kept?.forgeable, false);
    const [fresh] = await compared([], [file('a-1', { standing })]);
    assert.equal(fresh?.forgeable, false);
    const [taken] = await compared([file('a-1', { standing })], [file('a-1')]);
    assert.deepEqual([taken?.fate, taken?.forgeable], ['moved', true], 'it lost the keys that stood for it');
  }
});

test('lists out of order are refused: differences would be missed', async () => {
  await assert.rejects(compared([file('b-1'), file('a-1')], []), RangeError);
  await assert.rejects(compared([], [file('a-1'), file('a-1')]), RangeError);
});
