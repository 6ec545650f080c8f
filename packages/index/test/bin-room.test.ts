import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { projectBin } from '@holdfast/trust';
import { MOST_CELL_BYTES } from '../src/transactions/bin-room.ts';
import { binNumber } from '../src/publish/file-rows.ts';
import { newFile } from './support/bare-index.ts';
import { claim, openClaimsIndex, stageFile } from './support/claims.ts';

test('projects whose names fall together cannot fill the place of another beyond what a lookup may carry', async (t) => {
  const { index, developer } = await openClaimsIndex(t);
  const bin = binNumber(projectBin(normalizeName('mine')));
  await stageFile(index, 'mine', '1.0');
  const { filename } = newFile('mine', '1.0');
  // Names of one bin take minutes to find; the records do not ask whether a row's is right.
  const crowd = Array.from({ length: 21 }, (_, at) => `crowd-${at}`);
  const roles = crowd.flatMap((project) => Array.from({ length: 11 }, (_, at) => `project.${project}.label-${at}`));
  assert.ok(roles.length * 72 > MOST_CELL_BYTES, 'full, even of the shortest names');
  await index.records.write(async (db) => {
    const standing = { standing: 'claimed' as const, rotations: 0, generation: 1, since: 0 };
    for (const project of crowd) {
      const none = { role: null, keys: null, threshold: null, account: null, revoked_at: null };
      await db
        .insertInto('standings')
        .values({ project, bin, ...standing, ...none })
        .execute();
    }
    const row = { version: 1, expires_at: 9e12, publication: 1, sha256: 'ab'.repeat(32), length: 1, retired: 0 };
    for (const role of roles)
      await db
        .insertInto('roles')
        .values({ role, ...row })
        .execute();
  });
  await assert.rejects(claim(index, 'mine', developer, [filename]), /find no room/);
  await index.records.write((db) => db.deleteFrom('roles').where('role', 'like', 'project.crowd-1%').execute());
  await claim(index, 'mine', developer, [filename]);
});
