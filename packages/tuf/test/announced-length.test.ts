import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpdaterLimits } from '@holdfast/tuf';
import { TestRepository } from './repository.ts';
import { updaterOf } from './updater.ts';

function refresh(repository: TestRepository, limits: Partial<UpdaterLimits>): Promise<unknown> {
  return updaterOf(repository, { limits }).refresh();
}

test('a length that signed metadata announces counts instead of the client’s own limit, up to a bound of memory (§5.5.1, §5.6.1)', async () => {
  const small = { snapshotBytes: 10, targetsBytes: 10 };
  const repository = await TestRepository.create();
  await assert.rejects(refresh(repository, { snapshotBytes: 10 }), { code: 'LENGTH', subject: '1.snapshot.json' });
  await assert.rejects(refresh(repository, { targetsBytes: 10 }), { code: 'LENGTH', subject: '1.targets.json' });
  repository.withHashes = true;
  await repository.publish();
  await refresh(repository, small);
  await assert.rejects(refresh(repository, { announcedBytes: 10 }), { code: 'LENGTH', subject: '2.snapshot.json' });
});
