import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { makeIndex, newFile, openBare } from '../test/support/bare-index.ts';

test('a publish, a yank and a deletion give a new revision to their own project and to the list, and to no other', async (t) => {
  const made = await makeIndex(t);
  const { publisher, catalog } = await openBare(made.directory);
  const [changed, quiet] = [normalizeName('changed'), normalizeName('quiet')];
  await publisher.publish(newFile('quiet', '1.0'));
  const { filename } = newFile('changed', '1.0');
  const revisions = () => [catalog.revision(), catalog.revision(changed), catalog.revision(quiet)];
  for (const change of [
    () => publisher.publish(newFile('changed', '1.0')),
    () => publisher.setYanked(changed, [filename], true),
    () => publisher.delete(changed, filename),
  ]) {
    const before = revisions();
    await change();
    assert.deepEqual(
      revisions().map((revision, at) => revision === before[at]),
      [false, false, true],
    );
  }
  assert.deepEqual(await catalog.projectNames(), [quiet]);
});
