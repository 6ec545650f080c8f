import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDistributionFilename } from '@holdfast/python-index';
import { Population } from './population.ts';

test('a population has exactly as many files as asked for, each name once and valid, the same each time', () => {
  for (const files of [1_000, 10_000, 50_000]) {
    const population = new Population(files);
    const names = new Set<string>();
    for (let number = 0; number < population.projects; number++) {
      const project = population.project(number);
      const made = [...population.filesOf(project)];
      assert.equal(made.length, project.files);
      for (const { filename } of made) {
        assert.equal(parseDistributionFilename(filename).project, project.name);
        names.add(filename);
      }
      if (number < 5) assert.deepEqual([...new Population(files).filesOf(project)], made);
    }
    assert.equal(names.size, files);
  }
});

test('a population has projects of the sizes that the goals speak of', () => {
  for (const files of [10_000, 1_000_000]) {
    const population = new Population(files);
    for (const size of [28, 500]) assert.ok(population.withFiles(size, 4).length === 4, `${size} of ${files}`);
  }
});
