import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeProjects, type NamedProject } from './merge-projects.ts';

const named = (...names: readonly string[]): NamedProject[] =>
  names.map((project) => ({ project, standing: 'unclaimed', files: new Map() }));

async function merged(...states: readonly NamedProject[][]): Promise<string[]> {
  const found: string[] = [];
  for await (const { project, states: each } of mergeProjects(...states))
    found.push(`${project} ${each.map((state) => (state ? 'x' : '-')).join('')}`);
  return found;
}

test('a project is met once, with each state that has it, in the order of names (M12)', async () => {
  assert.deepEqual(await merged(named('a', 'c'), named('b', 'c'), named('c', 'd')), [
    'a x--',
    'b -x-',
    'c xxx',
    'd --x',
  ]);
  assert.deepEqual(await merged([], [], named('a')), ['a --x']);
  assert.deepEqual(await merged([], []), []);
});

test('a state whose projects are out of order, or come twice, is refused', async () => {
  await assert.rejects(merged(named('b', 'a')), RangeError);
  await assert.rejects(merged(named('a'), named('b', 'b')), RangeError);
});

test('who stops in the middle ends the reading', async () => {
  let ended = false;
  function* endless(): Generator<NamedProject> {
    try {
      for (let i = 0; ; i++)
        yield { project: `p${String(i).padStart(9, '0')}`, standing: 'unclaimed', files: new Map() };
    } finally {
      ended = true;
    }
  }
  for await (const { project } of mergeProjects(endless())) if (project === 'p000000003') break;
  assert.equal(ended, true);
});
