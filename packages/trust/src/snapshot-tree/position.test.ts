import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { projectBin } from '../target-path.ts';
import { binPosition, rolePosition } from './position.ts';

test("a project's roles of every generation and their rotate files stand in the project's bin", () => {
  const bin = binPosition(projectBin(normalizeName('django')));
  for (const role of ['project.django', 'project.django.2', 'project.django.windows', 'project.django.2.farm.x86']) {
    assert.deepEqual(rolePosition(role), bin, role);
    assert.deepEqual(rolePosition(`rotate/${role}.rotate.1`), bin, role);
  }
});

test('the closed role stands at the top, beside the tops of the trees', () => {
  for (const role of ['targets', 'claimed', 'rarely-updated', 'recently-claimed', 'unclaimed', 'rarely-updated.closed'])
    assert.deepEqual(rolePosition(role), { bits: 0, depth: 0 }, role);
});

test('names of no role, and rotate files of roles that are no project, have no place', () => {
  for (const role of [
    'closed',
    'claimed.closed',
    'rarely-updated.closed.0',
    'rotate/unclaimed.rotate.1',
    'rotate/claimed.3f.rotate.1',
    'rotate/rarely-updated.closed.rotate.1',
    'rotate/project.django',
    'rotate/project.Django.rotate.1',
    'rotate/rotate/project.django.rotate.1.rotate.1',
    'targets.0',
  ])
    assert.equal(rolePosition(role), undefined, role);
});
