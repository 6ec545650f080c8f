import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import fc from 'fast-check';
import {
  nextGeneration,
  parseProjectRole,
  parseRotationRole,
  projectOf,
  projectPattern,
  projectRole,
  rotationRole,
} from './project-role.ts';

const django = normalizeName('django');

test('a project role has one spelling, which is read back', () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,8})?$/).map(normalizeName);
  const generation = fc.integer({ min: 1, max: 999_999_999 });
  const labels = fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/), { maxLength: 3 });
  fc.assert(
    fc.property(name, generation, labels, (project, number, parts) => {
      const role = [projectRole(project, number), ...parts].join('.');
      assert.deepEqual(parseProjectRole(role), { project, generation: number, labels: parts });
      assert.equal(projectOf(role), project);
      assert.equal(projectOf(rotationRole(role, number)), project);
      assert.deepEqual(parseRotationRole(rotationRole(role, number)), { role, version: number });
    }),
  );
});

test('what is spelled otherwise is no project role', () => {
  for (const role of [
    'project',
    'project.',
    'project.Django',
    'project.django.1',
    'project.django.0',
    'project.django.02',
    'project.django.2.3',
    'project.django.',
    'project.django..windows',
    'project.django.Windows',
    'project.django.2windows',
    'project.django.-x',
    'project.django.a.b.c.d',
    `project.django.${'a'.repeat(33)}`,
    'projects.django',
    'unclaimed.3f',
    'rotate/project.django.rotate.1',
  ]) {
    assert.equal(parseProjectRole(role), undefined, role);
  }
});

test('rotate files are numbered from 1, without leading zeros; a delegation may be called rotate', () => {
  for (const entry of ['project.django.rotate.1', 'rotate/project.django', 'rotate/x.rotate.0', 'rotate/x.rotate.01']) {
    assert.equal(parseRotationRole(entry), undefined, entry);
  }
  assert.deepEqual(parseRotationRole('rotate/project.django.rotate.rotate.2'), {
    role: 'project.django.rotate',
    version: 2,
  });
  assert.equal(projectOf('rotate/targets.rotate.1'), undefined);
});

test('generations count on from the first, which has no number', () => {
  assert.equal(projectRole(django), 'project.django');
  assert.equal(nextGeneration({ project: django, generation: 1 }), 'project.django.2');
  assert.equal(nextGeneration({ project: django, generation: 2 }), 'project.django.3');
  assert.equal(projectPattern(django), `${projectPattern(django).slice(0, 6)}/django/*`);
});
