import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { targetPath } from '@holdfast/trust';
import { forgedReleases, LEVERS, type Loot, type OfferedFile, type Standing, STANDINGS } from '../src/index.ts';
import { askPythonTuf, type Question } from './python-tuf-states.ts';
import { Burglary } from './security-model/burglary.ts';
import { PublicationServer } from './security-model/served-publication.ts';
import { Revocation } from './security-model/revocation.ts';
import { canForge } from './security-model/rule.ts';

/** Unmodified python-tuf before the same states: it agrees with our client about files, and does not know rotate files (TAP 8, TAP 20). */
const burglary = await Burglary.begin();
const server = await PublicationServer.start();
after(() => server.close());
const { root, current } = burglary.world;

const pathOf = ({ distribution: { project, filename } }: OfferedFile): string => targetPath(project, filename);
const sha256Of = (file: OfferedFile): string => file.distribution.sha256;
const honest = (standing: Standing): OfferedFile => burglary.world.releases(standing).at(-1) ?? assert.fail();
const forged = (standing: Standing): OfferedFile => forgedReleases(burglary.thief, standing).at(-1) ?? assert.fail();
const files = (served: typeof current): string => server.offer(served, 'files');

test('python-tuf reads claimed, delegated, rarely updated, recently claimed and unclaimed files of one index (P1)', async () => {
  const standings = STANDINGS.filter((standing) => standing !== 'new');
  const [answers] = await askPythonTuf(root, [[files(current), standings.map((each) => pathOf(honest(each)))]]);
  assert.deepEqual(
    answers,
    standings.map((each) => sha256Of(honest(each))),
  );
});

test('python-tuf believes the same forged files as our client does where there are no lookups, and no others (M10, P17)', async () => {
  const cases: { readonly loot: Loot; readonly lever: (typeof LEVERS)[number] }[] = LEVERS.flatMap((lever) =>
    [{ snapshot: 'enough' } as const, {}].flatMap((snapshot) =>
      (['nothing', 'enough'] as const).map((share) => ({
        lever,
        loot: { timestamp: 'enough', ...snapshot, [lever]: share } as const,
      })),
    ),
  );
  const questions = await Promise.all(
    cases.map(async ({ loot, lever }): Promise<Question> => {
      const state = await burglary.forged(loot, lever, 'current');
      return [files(state), STANDINGS.map((standing) => pathOf(forged(standing)))];
    }),
  );
  const answers = await askPythonTuf(root, questions);
  for (const [at, { loot, lever }] of cases.entries()) {
    const believed = STANDINGS.filter((standing, each) => answers[at]?.[each] === sha256Of(forged(standing)));
    const expected = STANDINGS.filter((standing) => canForge(loot, standing, 'knows', 'files'));
    assert.deepEqual(believed, expected, `${lever}, ${JSON.stringify(loot)}`);
  }
});

test('python-tuf overlooks rotate files: it takes the old keys for the ones that count until the operators fold them (M11)', async () => {
  const revocation = await Revocation.begin(burglary);
  const loot: Loot = { developer: 'enough', timestamp: 'enough', snapshot: 'enough' };
  const good = pathOf(honest('claimed'));
  const bad = pathOf(forged('claimed'));
  const [revoked, rotated, folded, stolen, mended] = await askPythonTuf(root, [
    [files(revocation.honest('revoked')), [good, bad]],
    [files(revocation.honest('rotated')), [good]],
    [files(revocation.honest('folded')), [good]],
    [files(await revocation.forged(loot, 'revoked', 'newest')), [bad]],
    [files(await revocation.forged(loot, 'folded', 'newest')), [good, bad]],
  ]);
  assert.deepEqual(revoked, [sha256Of(honest('claimed')), 'none'], 'the files from before the revocation, no others');
  assert.deepEqual(rotated, ['UnsignedMetadataError'], 'what only the new keys signed');
  assert.deepEqual(folded, [sha256Of(honest('claimed'))]);
  assert.deepEqual(stolen, [sha256Of(forged('claimed'))], 'the thief of the revoked key, with both online keys');
  assert.deepEqual(mended, [sha256Of(honest('claimed')), 'none'], 'after the operators folded the revocation');
});
